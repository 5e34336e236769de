use super::*;
use crate::patch::meta::for_kind;
use serde_json::json;

fn pod() -> &'static dyn PatchMeta {
    for_kind("", "Pod").expect("built in")
}

fn applies(document: Value, patch: Value, expected: Value) {
    assert_eq!(apply(&document, &patch, pod()), Ok(expected), "{patch}");
}

#[test]
fn merges_lists_by_key() {
    let document = json!({"spec": {"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]}});
    applies(
        document.clone(),
        json!({"spec": {"containers": [{"name": "b", "image": "z"}, {"name": "c"}]}}),
        json!({"spec": {"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "z"}, {"name": "c"}]}}),
    );
    applies(
        document.clone(),
        json!({"spec": {"containers": [{"name": "a", "$patch": "delete"}]}}),
        json!({"spec": {"containers": [{"name": "b", "image": "y"}]}}),
    );
    applies(
        document.clone(),
        json!({"spec": {"containers": [{"$patch": "replace"}, {"name": "n"}]}}),
        json!({"spec": {"containers": [{"name": "n"}]}}),
    );
    applies(
        document.clone(),
        json!({"spec": {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}], "containers": [{"name": "b", "image": "q"}]}}),
        json!({"spec": {"containers": [{"name": "b", "image": "q"}, {"name": "a", "image": "x"}]}}),
    );
    applies(document, json!({"spec": {"$patch": "replace", "nodeName": "n"}}), json!({"spec": {"nodeName": "n"}}));
}

#[test]
fn scalars_nulls_and_plain_lists() {
    let document = json!({"metadata": {"finalizers": ["a", "b"], "labels": {"x": "1", "y": "2"}}, "spec": {"tolerations": [{"key": "k"}]}});
    applies(
        document.clone(),
        json!({"metadata": {"finalizers": ["c", "a"], "labels": {"x": null, "z": "3"}}, "spec": {"tolerations": []}}),
        json!({"metadata": {"finalizers": ["c", "a", "b"], "labels": {"y": "2", "z": "3"}}, "spec": {"tolerations": []}}),
    );
    applies(
        document.clone(),
        json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"], "labels": null}, "spec": null}),
        json!({"metadata": {"finalizers": ["b"]}}),
    );
    applies(
        json!({"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}}),
        json!({"spec": {"volumes": [{"name": "v", "emptyDir": null, "configMap": {"name": "c"}, "$retainKeys": ["name", "configMap"]}]}}),
        json!({"spec": {"volumes": [{"name": "v", "configMap": {"name": "c"}}]}}),
    );
}

#[test]
fn complains() {
    let document = json!({"spec": {"containers": [{"name": "a"}]}});
    for (patch, words) in [
        (
            json!({"spec": {"containers": [{"image": "x"}]}}),
            "map: map[image:x] does not contain declared merge key: name",
        ),
        (json!({"spec": {"$patch": "dance"}}), "unknown patch type: dance in map: map[$patch:dance]"),
        (json!({"spec": {"$setElementOrder/containers": "x"}}), "expected a []interface {}, but received a string"),
    ] {
        assert_eq!(apply(&document, &patch, pod()).map_err(|e| e.0), Err(words.to_owned()));
    }
}

/// The patch must turn `original` into `modified`.
fn creates(original: Value, modified: Value, expected: Value) {
    let patch = create(&original, &modified, pod()).expect("patch");
    assert_eq!(patch, expected);
    assert_eq!(apply(&original, &patch, pod()), Ok(modified));
}

#[test]
fn two_way() {
    let one = json!({"spec": {"containers": [{"name": "a", "image": "x"}, {"name": "b"}]}});
    creates(one.clone(), one.clone(), json!({}));
    creates(
        one.clone(),
        json!({"spec": {"containers": [{"name": "c"}, {"name": "a", "image": "y"}]}}),
        json!({"spec": {
            "$setElementOrder/containers": [{"name": "c"}, {"name": "a"}],
            "containers": [{"name": "c"}, {"name": "a", "image": "y"}, {"name": "b", "$patch": "delete"}]}}),
    );
    creates(
        json!({"metadata": {"finalizers": ["a", "b"]}}),
        json!({"metadata": {"finalizers": ["b", "c"]}}),
        json!({"metadata": {
            "$deleteFromPrimitiveList/finalizers": ["a"], "$setElementOrder/finalizers": ["b", "c"], "finalizers": ["c"]}}),
    );
    creates(
        json!({"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}}),
        json!({"spec": {"volumes": [{"name": "v", "configMap": {"name": "c"}}]}}),
        json!({"spec": {
            "$setElementOrder/volumes": [{"name": "v"}],
            "volumes": [{"name": "v", "emptyDir": null, "configMap": {"name": "c"}, "$retainKeys": ["configMap", "name"]}]}}),
    );
}

#[test]
fn three_ways() {
    let deployment = for_kind("apps", "Deployment").expect("built in");
    let of = |containers: Value| json!({"spec": {"template": {"spec": {"containers": containers}}}});
    let original =
        of(json!([{"name": "app", "image": "x", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}]));
    let modified = of(json!([{"name": "app", "image": "y", "env": [{"name": "B", "value": "3"}]}]));
    let current = json!({"spec": {"replicas": 1, "template": {"spec": {"containers": [
        {"name": "app", "image": "x", "imagePullPolicy": "Always", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
        {"name": "side", "image": "s"}]}}}});
    let patch = three_way(&original, &modified, &current, deployment, true).expect("patch");
    assert_eq!(
        patch,
        of(json!([{"name": "app", "image": "y", "$setElementOrder/env": [{"name": "B"}],
            "env": [{"name": "B", "value": "3"}, {"name": "A", "$patch": "delete"}]}]))
        .as_object()
        .map(|_| json!({"spec": {"template": {"spec": {
            "$setElementOrder/containers": [{"name": "app"}],
            "containers": [{"name": "app", "image": "y", "$setElementOrder/env": [{"name": "B"}],
                "env": [{"name": "B", "value": "3"}, {"name": "A", "$patch": "delete"}]}]}}}}))
        .expect("object")
    );
    let result = apply(&current, &patch, deployment).expect("applies");
    assert_eq!(
        result,
        json!({"spec": {"replicas": 1, "template": {"spec": {"containers": [
            {"name": "app", "image": "y", "imagePullPolicy": "Always", "env": [{"name": "B", "value": "3"}]},
            {"name": "side", "image": "s"}]}}}})
    );
    let unchanged = three_way(&modified, &modified, &modified, deployment, true);
    assert_eq!(unchanged, Ok(json!({})));
    // A container that only the server has leaves an order behind, as upstream's does.
    let ordered = three_way(&modified, &modified, &result, deployment, true);
    let order = json!({"$setElementOrder/containers": [{"name": "app"}]});
    assert_eq!(ordered, Ok(json!({"spec": {"template": {"spec": order}}})));
    assert!(
        three_way(
            &original,
            &modified,
            &json!({"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "z"}]}}}}),
            deployment,
            false
        )
        .is_err()
    );
}

#[test]
fn random_patches_turn_one_into_the_other() {
    let mut rng = crate::rng::Rng::derive(17, "strategic", "", 0);
    let mut one = || {
        let mut names = ["a", "b", "c", "d"];
        for i in (1..4).rev() {
            names.swap(i, rng.below(i as u64 + 1) as usize);
        }
        let count = 1 + rng.below(3) as usize;
        let containers: Vec<Value> = names[..count]
            .iter()
            .map(|name| {
                let mut c = json!({"name": name, "image": rng.below(2)});
                if rng.below(2) == 0 {
                    c["command"] = json!([rng.below(3)]);
                }
                c
            })
            .collect();
        json!({"metadata": {"finalizers": names[..1 + rng.below(3) as usize].to_vec()}, "spec": {"containers": containers}})
    };
    for _ in 0..1000 {
        let (original, modified, current) = (one(), one(), one());
        let patch = three_way(&original, &modified, &current, pod(), true).expect("patch");
        let result = apply(&current, &patch, pod()).expect("applies");
        let again = three_way(&modified, &modified, &result, pod(), true).expect("patch");
        assert_eq!(apply(&result, &again, pod()).as_ref(), Ok(&result), "{original} {modified} {current}");
    }
    for _ in 0..2000 {
        let (a, b) = (one(), one());
        let patch = create(&a, &b, pod()).expect("patch");
        assert_eq!(apply(&a, &patch, pod()).as_ref(), Ok(&b), "{a} {patch}");
        assert_eq!(create(&b, &b, pod()), Ok(json!({})));
    }
}
