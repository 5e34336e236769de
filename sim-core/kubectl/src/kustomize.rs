//! Kustomizations: not built here yet; says so.

use crate::error::{Error, plain};
use crate::session::Kube;
use serde_json::Value;

/// The objects of a kustomization directory.
pub fn build(k: &mut Kube<'_, '_>, directory: &str) -> Result<Vec<Value>, Error> {
    let found = ["kustomization.yaml", "kustomization.yml", "Kustomization"]
        .iter()
        .any(|f| k.ctx.read_file(&format!("{directory}/{f}")).is_ok());
    if !found {
        let full = k.ctx.abs(directory);
        return plain(format!(
            "unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '{full}'"
        ));
    }
    plain("kustomize is not supported by this kubectl yet; apply the files of the directory with -f")
}
