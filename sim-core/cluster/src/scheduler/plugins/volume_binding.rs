//! Where a pod's volumes allow it to go.
//!
//! Not yet: nothing is refused here. Controllers bind claims without asking the scheduler; this is where the rules of
//! VolumeBinding, VolumeZone, VolumeRestrictions and NodeVolumeLimits will stand.

use super::Plugin;

pub struct VolumeBinding;

impl Plugin for VolumeBinding {
    fn name(&self) -> &'static str {
        "VolumeBinding"
    }
}
