//! The cluster's network: addresses, names, services, and what a request meets on its way.

use crate::clock::Agenda;
use crate::cluster::Ctx;
use apiserver::{ApiServer, Change};

#[derive(Clone)]
pub enum NetworkTimer {}

#[derive(Clone, Default)]
pub struct Network {}

impl Network {
    pub fn observe(&mut self, _change: &Change, _api: &ApiServer, _agenda: &mut Agenda) {}
    pub fn fire(&mut self, timer: NetworkTimer, _cx: &mut Ctx<'_>) {
        match timer {}
    }
}
