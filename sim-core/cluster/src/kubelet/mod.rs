//! The kubelets: one for each node, each driving the pods bound to it.

use crate::clock::Agenda;
use crate::cluster::Ctx;
use apiserver::{ApiServer, Change};

#[derive(Clone)]
pub enum KubeletTimer {}

#[derive(Clone, Default)]
pub struct Kubelets {}

impl Kubelets {
    pub fn observe(&mut self, _change: &Change, _api: &ApiServer, _agenda: &mut Agenda) {}
    pub fn fire(&mut self, timer: KubeletTimer, _cx: &mut Ctx<'_>) {
        match timer {}
    }
}
