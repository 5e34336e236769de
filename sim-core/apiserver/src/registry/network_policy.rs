//! NetworkPolicy: names, defaults, rules and columns.

use super::checks::{self, text};
use super::{Column, KindInfo, Strategy, age};
use crate::selector;
use apimachinery::field::{Error, ErrorList, Path};
use apimachinery::time::Time;
use k8s_openapi::api::networking::v1::{NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;

pub struct NetworkPolicyStrategy;

impl Strategy for NetworkPolicyStrategy {
    type Object = NetworkPolicy;

    fn info(&self) -> &'static KindInfo {
        const {
            &KindInfo::namespaced("networking.k8s.io", "NetworkPolicy", "networkpolicies", "networkpolicy")
                .short(&["netpol"])
                .with_generation()
        }
    }

    fn default(&self, object: &mut NetworkPolicy) {
        let spec = object.spec.get_or_insert_default();
        spec.pod_selector.get_or_insert_default();
        if spec.policy_types.as_ref().is_none_or(Vec::is_empty) {
            let egress = spec.egress.as_ref().is_some_and(|e| !e.is_empty());
            let types = if egress { vec!["Ingress".into(), "Egress".into()] } else { vec!["Ingress".into()] };
            spec.policy_types = Some(types);
        }
        let ingress = spec.ingress.iter_mut().flatten().flat_map(|r| r.ports.iter_mut().flatten());
        let egress = spec.egress.iter_mut().flatten().flat_map(|r| r.ports.iter_mut().flatten());
        for port in ingress.chain(egress) {
            port.protocol.get_or_insert_with(|| "TCP".into());
        }
    }

    fn validate(&self, object: &NetworkPolicy) -> ErrorList {
        let mut errors = ErrorList::default();
        let path = Path::new("spec");
        let Some(spec) = &object.spec else { return errors };
        checks::label_selector(spec.pod_selector.as_ref(), &path.child("podSelector"), &mut errors);
        let at = path.child("ingress");
        for (i, rule) in spec.ingress.iter().flatten().enumerate() {
            let at = at.index(i);
            ports(rule.ports.as_deref(), &at.child("ports"), &mut errors);
            peers(rule.from.as_deref(), &at.child("from"), &mut errors);
        }
        let at = path.child("egress");
        for (i, rule) in spec.egress.iter().flatten().enumerate() {
            let at = at.index(i);
            ports(rule.ports.as_deref(), &at.child("ports"), &mut errors);
            peers(rule.to.as_deref(), &at.child("to"), &mut errors);
        }
        let at = path.child("policyTypes");
        for (i, kind) in spec.policy_types.iter().flatten().enumerate() {
            checks::one_of_if_set(kind, &["Egress", "Ingress"], &at.index(i), &mut errors);
        }
        errors
    }

    fn spec_changed(&self, new: &NetworkPolicy, old: &NetworkPolicy) -> bool {
        new.spec != old.spec
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::name(),
                Column::new("Pod-Selector", "podSelector selects the pods to which this NetworkPolicy object applies."),
                Column::age(),
            ]
        }
    }

    fn cells(&self, object: &NetworkPolicy, now: Time) -> Vec<Value> {
        let meta = &object.metadata;
        let selected = selector::format(object.spec.as_ref().and_then(|s| s.pod_selector.as_ref()));
        vec![meta.name.as_deref().into(), selected.into(), age(meta, now).into()]
    }
}

fn ports(list: Option<&[NetworkPolicyPort]>, path: &Path, errors: &mut ErrorList) {
    for (i, p) in list.into_iter().flatten().enumerate() {
        let at = path.index(i);
        checks::one_of_if_set(text(&p.protocol), &["SCTP", "TCP", "UDP"], &at.child("protocol"), errors);
        let end = at.child("endPort");
        match (&p.port, p.end_port) {
            (Some(IntOrString::Int(port)), Some(last)) => {
                checks::port_number(*port, &at.child("port"), errors);
                if last < *port {
                    errors.push(Error::invalid_raw(&end, *port, "must be greater than or equal to `port`"));
                }
                checks::port_number(last, &end, errors);
            }
            (Some(port), last) => {
                checks::port_number_or_name(port, &at.child("port"), errors);
                if let Some(last) = last {
                    errors.push(Error::invalid_raw(&end, last, "may not be specified when `port` is non-numeric"));
                }
            }
            (None, Some(last)) => {
                errors.push(Error::invalid_raw(&end, last, "may not be specified when `port` is not specified"));
            }
            (None, None) => {}
        }
    }
}

fn peers(list: Option<&[NetworkPolicyPeer]>, path: &Path, errors: &mut ErrorList) {
    for (i, peer) in list.into_iter().flatten().enumerate() {
        let at = path.index(i);
        let selects = peer.pod_selector.is_some() || peer.namespace_selector.is_some();
        checks::label_selector(peer.pod_selector.as_ref(), &at.child("podSelector"), errors);
        checks::label_selector(peer.namespace_selector.as_ref(), &at.child("namespaceSelector"), errors);
        if let Some(block) = &peer.ip_block {
            let inner = at.child("ipBlock");
            if block.cidr.is_empty() {
                errors.push(Error::required(&inner.child("cidr"), ""));
            } else {
                checks::cidr(&block.cidr, &inner.child("cidr"), errors);
            }
            let except = inner.child("except");
            for (j, cidr) in block.except.iter().flatten().enumerate() {
                checks::cidr(cidr, &except.index(j), errors);
            }
            if selects {
                errors.push(Error::forbidden(&at, "may not specify both ipBlock and another peer"));
            }
        } else if !selects {
            errors.push(Error::required(&at, "must specify a peer"));
        }
    }
}
