//! Where a pod's volumes allow it to go.
//!
//! Not yet: claims and volumes are not simulated, so nothing is refused; this is where their rules will stand
//! (VolumeBinding, VolumeZone, VolumeRestrictions, NodeVolumeLimits).

use super::Plugin;

pub struct VolumeBinding;

impl Plugin for VolumeBinding {
    fn name(&self) -> &'static str {
        "VolumeBinding"
    }
}
