//! Objects as YAML against what the server says of them.

use crate::server::{ApiServer, Config, Writer};
use apimachinery::time::Time;
use apimachinery::yaml;
use k8s_openapi::api::core::v1::{Namespace, Pod};

const NOW: Time = Time(1_700_000_000_000_000);

fn server() -> ApiServer {
    let mut server = ApiServer::new(Config::default(), NOW);
    let mut namespace = Namespace::default();
    namespace.metadata.name = Some("default".into());
    server.create(namespace, &Writer::new("test")).unwrap();
    server
}

/// Creates what the text says, in the namespace `default`; the message of the refusal, or nothing.
fn create(server: &mut ApiServer, text: &str) -> String {
    let value = yaml::parse(text).unwrap();
    let name = value["kind"].as_str().unwrap();
    let (id, kind) = server.kinds().find(|(_, k)| k.info().kind == name).map(|(id, k)| (id, k.clone())).unwrap();
    let (mut object, unknown) = kind.decode(&value).unwrap();
    assert!(unknown.is_empty(), "{unknown:?}");
    if kind.info().namespaced {
        object.meta_mut().namespace = Some("default".into());
    }
    kind.default(&mut *object);
    match server.create_object(id, object, &Writer::new("kubectl"), false) {
        Ok(_) => String::new(),
        Err(status) => status.message.clone(),
    }
}

/// `wanted`: what follows `is invalid: `; empty for an object that is taken.
fn check(text: &str, wanted: &str) {
    let message = create(&mut server(), text);
    let said = message.split_once(" is invalid: ").map_or(message.as_str(), |(_, said)| said);
    assert_eq!(said, wanted, "{text}");
}

fn pod(spec: &str) -> String {
    format!("kind: Pod\nmetadata: {{name: p}}\nspec: {{containers: [{{name: c, image: nginx{spec}}}]}}")
}

#[test]
fn pods() {
    check("kind: Pod\nmetadata: {name: bad}", "spec.containers: Required value");
    check(&pod(""), "");
    check(
        &pod(", ports: [{containerPort: 99999}]"),
        "spec.containers[0].ports[0].containerPort: Invalid value: 99999: must be between 1 and 65535, inclusive",
    );
    check(
        &pod(", resources: {requests: {memory: 1Gi}, limits: {memory: 512Mi}}"),
        "spec.containers[0].resources.requests: Invalid value: \"1Gi\": must be less than or equal to memory limit of 512Mi",
    );
    check(
        &pod(", volumeMounts: [{name: nosuch, mountPath: /x}]"),
        "spec.containers[0].volumeMounts[0].name: Not found: \"nosuch\"",
    );
    check(
        "kind: Pod\nmetadata: {name: d}\nspec: {containers: [{name: c, image: nginx}, {name: c, image: redis}]}",
        "spec.containers[1].name: Duplicate value: \"c\"",
    );
    check(
        "kind: Pod\nmetadata: {name: d}\nspec: {containers: [{name: c}], restartPolicy: Sometimes}",
        "[spec.containers[0].image: Required value, spec.restartPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"OnFailure\", \"Never\"]",
    );
}

#[test]
fn probes_env_and_security() {
    check(&pod(", livenessProbe: {}"), "spec.containers[0].livenessProbe: Required value: must specify a handler type");
    check(
        &pod(", livenessProbe: {tcpSocket: {port: 80}, exec: {command: [ls]}, successThreshold: 2, periodSeconds: -1}"),
        "[spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type, spec.containers[0].livenessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0, spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1]",
    );
    check(
        &pod(", env: [{name: A, value: x, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]"),
        "spec.containers[0].env[0].valueFrom: Invalid value: \"\": may not be specified when `value` is not empty",
    );
    check(
        &pod(", env: [{name: A, valueFrom: {fieldRef: {fieldPath: spec.nosuch}}}]"),
        "spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: \"spec.nosuch\": error converting fieldPath: field label not supported: spec.nosuch",
    );
    check(
        &pod(", securityContext: {runAsUser: -1}"),
        "spec.containers[0].securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive",
    );
    check(
        &pod(", imagePullPolicy: Often"),
        "spec.containers[0].imagePullPolicy: Unsupported value: \"Often\": supported values: \"Always\", \"IfNotPresent\", \"Never\"",
    );
}

#[test]
fn workloads() {
    check(
        "kind: Deployment\nmetadata: {name: bad}\nspec: {template: {spec: {containers: []}}}",
        "[spec.selector: Required value, spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`, spec.template.spec.containers: Required value]",
    );
    check(
        "kind: Deployment\nmetadata: {name: bad}\nspec: {selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: b}}, spec: {containers: [{name: c, image: nginx}]}}}",
        "spec.template.metadata.labels: Invalid value: {\"app\":\"b\"}: `selector` does not match template `labels`",
    );
    check(
        "kind: Deployment\nmetadata: {name: ok}\nspec: {selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: a}}, spec: {containers: [{name: c, image: nginx}]}}}",
        "",
    );
    check(
        "kind: ReplicaSet\nmetadata: {name: bad}\nspec: {replicas: -1, selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: a}}, spec: {restartPolicy: Never, containers: [{name: c, image: nginx}]}}}",
        "[spec.replicas: Invalid value: -1: must be greater than or equal to 0, spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\"]",
    );
}

#[test]
fn services() {
    check("kind: Service\nmetadata: {name: bad}\nspec: {ports: []}", "spec.ports: Required value");
    check(
        "kind: Service\nmetadata: {name: 1bad}\nspec: {ports: [{port: 0}]}",
        "[spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive, spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive]",
    );
    check(
        "kind: Service\nmetadata: {name: two}\nspec: {ports: [{port: 80}, {port: 81}]}",
        "[spec.ports[0].name: Required value, spec.ports[1].name: Required value]",
    );
    check(
        "kind: Service\nmetadata: {name: np3}\nspec: {type: NodePort, ports: [{port: 80, nodePort: 80}]}",
        "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767",
    );
    let mut server = server();
    let first = "kind: Service\nmetadata: {name: np}\nspec: {type: NodePort, ports: [{port: 80, nodePort: 30080}], clusterIP: 10.96.0.10}";
    assert_eq!(create(&mut server, first), "");
    assert_eq!(
        create(
            &mut server,
            "kind: Service\nmetadata: {name: np2}\nspec: {type: NodePort, ports: [{port: 80, nodePort: 30080}]}"
        ),
        "Service \"np2\" is invalid: spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated"
    );
    assert_eq!(
        create(&mut server, "kind: Service\nmetadata: {name: ip}\nspec: {clusterIP: 10.96.0.10, ports: [{port: 80}]}"),
        "Service \"ip\" is invalid: spec.clusterIPs: Invalid value: [\"10.96.0.10\"]: failed to allocate IP 10.96.0.10: provided IP is already allocated"
    );
    // What a refused service had been given is free again; what the first holds is not.
    assert_eq!(server.allocators.service_ips.len(), 1);
    assert_eq!(server.allocators.node_ports.len(), 1);
}

#[test]
fn other_kinds() {
    check(
        "kind: Namespace\nmetadata: {name: Bad_NS}",
        "metadata.name: Invalid value: \"Bad_NS\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    );
    check(
        "kind: Secret\nmetadata: {name: s}\ntype: kubernetes.io/tls",
        "[data[tls.crt]: Required value, data[tls.key]: Required value]",
    );
    check(
        "kind: Endpoints\nmetadata: {name: e}\nsubsets: [{ports: [{port: 1}]}]",
        "subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`",
    );
    check(
        "kind: Lease\nmetadata: {name: l}\nspec: {leaseDurationSeconds: 0}",
        "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
    );
}

fn pod_of(server: &ApiServer, name: &str) -> Pod {
    (*server.get::<Pod>("default", name).unwrap()).clone()
}

/// The hunks of the refusal to change a pod.
fn forbidden(change: impl FnOnce(&mut k8s_openapi::api::core::v1::PodSpec)) -> String {
    let mut server = server();
    let text = "kind: Pod\nmetadata: {name: nginx}\nspec: {containers: [{name: nginx, image: 'nginx:1.21.6'}], nodeName: minikube}";
    assert_eq!(create(&mut server, text), "");
    let mut pod = pod_of(&server, "nginx");
    change(pod.spec.as_mut().unwrap());
    let refused = server.update(pod, &Writer::new("kubectl")).unwrap_err();
    refused.message.split_once('\n').unwrap().1.to_owned()
}

/// Recorded from a real cluster, line numbers and all.
#[test]
fn a_forbidden_pod_update_shows_the_difference() {
    let port = k8s_openapi::api::core::v1::ContainerPort {
        container_port: 80,
        protocol: Some("TCP".into()),
        ..Default::default()
    };
    let ports = r#"@@ -96,7 +96,15 @@
    "Command": null,
    "Args": null,
    "WorkingDir": "",
-   "Ports": null,
+   "Ports": [
+    {
+     "Name": "",
+     "HostPort": 0,
+     "ContainerPort": 80,
+     "Protocol": "TCP",
+     "HostIP": ""
+    }
+   ],
    "EnvFrom": null,
    "Env": null,
    "Resources": {
"#;
    assert_eq!(forbidden(|spec| spec.containers[0].ports = Some(vec![port])), ports);
    let node = r#"@@ -140,7 +140,7 @@
  "NodeSelector": null,
  "ServiceAccountName": "default",
  "AutomountServiceAccountToken": null,
- "NodeName": "minikube",
+ "NodeName": "elsewhere",
  "SecurityContext": {
   "HostNetwork": false,
   "HostPID": false,
"#;
    assert_eq!(forbidden(|spec| spec.node_name = Some("elsewhere".into())), node);
}

#[test]
fn an_image_may_change() {
    let mut server = server();
    assert_eq!(create(&mut server, &pod("")), "");
    let mut changed = pod_of(&server, "p");
    changed.spec.as_mut().unwrap().containers[0].image = Some("nginx:2".into());
    let updated = server.update(changed, &Writer::new("kubectl")).unwrap();
    assert_eq!(updated.metadata.generation, Some(2));
}

#[test]
fn admission_adds_what_every_pod_has() {
    let mut server = server();
    assert_eq!(create(&mut server, &pod("")), "");
    let spec = pod_of(&server, "p").spec.unwrap();
    assert_eq!(spec.service_account_name.as_deref(), Some("default"));
    assert_eq!(spec.priority, Some(0));
    let keys: Vec<_> = spec.tolerations.iter().flatten().filter_map(|t| t.key.as_deref()).collect();
    assert_eq!(keys, ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]);
    let volume = &spec.volumes.unwrap()[0].name;
    assert!(volume.starts_with("kube-api-access-"));
    assert_eq!(&spec.containers[0].volume_mounts.as_ref().unwrap()[0].name, volume);
    let text =
        "kind: Pod\nmetadata: {name: sa}\nspec: {serviceAccountName: nosuch, containers: [{name: c, image: nginx}]}";
    assert_eq!(
        create(&mut server, text),
        "pods \"sa\" is forbidden: error looking up service account default/nosuch: serviceaccount \"nosuch\" not found"
    );
    let text =
        "kind: Pod\nmetadata: {name: pc}\nspec: {priorityClassName: high, containers: [{name: c, image: nginx}]}";
    assert_eq!(create(&mut server, text), "pods \"pc\" is forbidden: no PriorityClass with name high was found");
    assert_eq!(create(&mut server, "kind: PriorityClass\nmetadata: {name: high}\nvalue: 1000"), "");
    assert_eq!(create(&mut server, text), "");
    assert_eq!(pod_of(&server, "pc").spec.unwrap().priority, Some(1000));
}

/// The cells of the row that the text's object makes a minute after `NOW`.
fn cells(text: &str, wanted: &[&str]) {
    let mut server = server();
    assert_eq!(create(&mut server, text), "", "{text}");
    let value = yaml::parse(text).unwrap();
    let kind = value["kind"].as_str().unwrap();
    let (id, kind) = server.kinds().find(|(_, k)| k.info().kind == kind).map(|(id, k)| (id, k.clone())).unwrap();
    let namespace = if kind.info().namespaced { "default" } else { "" };
    let object = server.storage.get(id, namespace, value["metadata"]["name"].as_str().unwrap()).unwrap();
    let row: Vec<String> = kind
        .cells(&**object, Time(NOW.0 + 60_000_000))
        .iter()
        .map(|c| c.as_str().map_or_else(|| c.to_string(), str::to_owned))
        .collect();
    assert_eq!(row, wanted, "{text}");
    assert_eq!(row.len(), kind.columns().len());
}

const TEMPLATE: &str = "template: {metadata: {labels: {app: a}}, spec: {containers: [{name: c, image: nginx}]}}";
const ONCE: &str = "template: {spec: {restartPolicy: Never, containers: [{name: c, image: busybox}]}}";

#[test]
fn rows() {
    cells(&pod(""), &["p", "0/1", "Pending", "0", "60s", "<none>", "<none>", "<none>", "<none>"]);
    cells(
        &format!(
            "kind: StatefulSet\nmetadata: {{name: s}}\nspec: {{selector: {{matchLabels: {{app: a}}}}, {TEMPLATE}}}"
        ),
        &["s", "0/1", "60s", "c", "nginx"],
    );
    cells(
        &format!("kind: DaemonSet\nmetadata: {{name: d}}\nspec: {{selector: {{matchLabels: {{app: a}}}}, {TEMPLATE}}}"),
        &["d", "0", "0", "0", "0", "0", "<none>", "60s", "c", "nginx", "app=a"],
    );
    cells(
        &format!(
            "kind: CronJob\nmetadata: {{name: t}}\nspec: {{schedule: '*/1 * * * *', jobTemplate: {{spec: {{{ONCE}}}}}}}"
        ),
        &["t", "*/1 * * * *", "<none>", "False", "0", "<none>", "60s", "c", "busybox", "<none>"],
    );
    cells(
        "kind: PersistentVolumeClaim\nmetadata: {name: c}\nspec: {accessModes: [ReadWriteOnce], storageClassName: manual, resources: {requests: {storage: 1Gi}}}",
        &["c", "Pending", "", "", "", "manual", "<unset>", "60s", "Filesystem"],
    );
    cells(
        "kind: PersistentVolume\nmetadata: {name: v}\nspec: {accessModes: [ReadWriteOnce], storageClassName: manual, capacity: {storage: 1Gi}, hostPath: {path: /d}}",
        &["v", "1Gi", "RWO", "Retain", "Pending", "", "manual", "<unset>", "", "60s", "Filesystem"],
    );
    cells(
        "kind: Ingress\nmetadata: {name: web}\nspec: {ingressClassName: nginx, rules: [{host: shop.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}",
        &["web", "nginx", "shop.example.com", "", "80", "60s"],
    );
    cells(
        "kind: NetworkPolicy\nmetadata: {name: deny}\nspec: {podSelector: {matchLabels: {app: db}}}",
        &["deny", "app=db", "60s"],
    );
    cells(
        "kind: RoleBinding\nmetadata: {name: b}\nroleRef: {kind: Role, name: reader}\nsubjects: [{kind: User, name: jane}, {kind: ServiceAccount, name: bot, namespace: default}]",
        &["b", "Role/reader", "60s", "jane", "", "default/bot"],
    );
    cells(
        "kind: Role\nmetadata: {name: reader}\nrules: [{apiGroups: [''], resources: [pods], verbs: [get]}]",
        &["reader", "2023-11-14T22:13:20Z"],
    );
    cells("kind: PodDisruptionBudget\nmetadata: {name: p}\nspec: {minAvailable: 2}", &["p", "2", "N/A", "0", "60s"]);
    cells(
        "kind: HorizontalPodAutoscaler\nmetadata: {name: h}\nspec: {maxReplicas: 5, scaleTargetRef: {kind: Deployment, name: web}}",
        &["h", "Deployment/web", "cpu: <unknown>/80%", "1", "5", "0", "60s"],
    );
    cells(
        "kind: StorageClass\nmetadata: {name: s, annotations: {storageclass.kubernetes.io/is-default-class: 'true'}}\nprovisioner: x.io/y",
        &["s (default)", "x.io/y", "Delete", "Immediate", "false", "60s"],
    );
}

#[test]
fn jobs() {
    let text = format!("kind: Job\nmetadata: {{name: j}}\nspec: {{{ONCE}}}");
    let mut server = server();
    assert_eq!(create(&mut server, &text), "");
    let job = server.get::<k8s_openapi::api::batch::v1::Job>("default", "j").unwrap();
    let spec = job.spec.as_ref().unwrap();
    let selected = spec.selector.as_ref().unwrap().match_labels.as_ref().unwrap();
    assert_eq!(selected.get("batch.kubernetes.io/controller-uid"), job.metadata.uid.as_ref());
    assert_eq!((spec.completions, spec.parallelism, spec.backoff_limit), (Some(1), Some(1), Some(6)));
    check(
        "kind: Job\nmetadata: {name: j}\nspec: {template: {spec: {containers: [{name: c, image: busybox}]}}}",
        "spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\"",
    );
    check(
        &format!(
            "kind: CronJob\nmetadata: {{name: t}}\nspec: {{schedule: every day, jobTemplate: {{spec: {{{ONCE}}}}}}}"
        ),
        "spec.schedule: Invalid value: \"every day\": expected exactly 5 fields, found 2: [every day]",
    );
}

#[test]
fn stateful_sets() {
    let text = format!(
        "kind: StatefulSet\nmetadata: {{name: s}}\nspec: {{selector: {{matchLabels: {{app: a}}}}, {TEMPLATE}}}"
    );
    let mut server = server();
    assert_eq!(create(&mut server, &text), "");
    let mut changed = (*server.get::<k8s_openapi::api::apps::v1::StatefulSet>("default", "s").unwrap()).clone();
    changed.spec.as_mut().unwrap().service_name = Some("other".into());
    let refused = server.update(changed, &Writer::new("kubectl")).unwrap_err();
    assert!(
        refused.message.contains("updates to statefulset spec for fields other than 'replicas'"),
        "{}",
        refused.message
    );
    check(
        "kind: StatefulSet\nmetadata: {name: s}\nspec: {selector: {matchLabels: {app: a}}, volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}], template: {metadata: {labels: {app: a}}, spec: {containers: [{name: c, image: nginx, volumeMounts: [{name: data, mountPath: /d}]}]}}}",
        "",
    );
}

#[test]
fn quotas_limits_and_pod_security() {
    let mut server = server();
    assert_eq!(
        create(&mut server, "kind: ResourceQuota\nmetadata: {name: q}\nspec: {hard: {pods: 2, requests.cpu: 1}}"),
        ""
    );
    assert_eq!(
        create(&mut server, "kind: Pod\nmetadata: {name: two}\nspec: {containers: [{name: two, image: nginx}]}"),
        "pods \"two\" is forbidden: failed quota: q: must specify requests.cpu for: two"
    );
    let with = |name: &str| {
        format!(
            "kind: Pod\nmetadata: {{name: {name}}}\nspec: {{containers: [{{name: c, image: nginx, resources: {{requests: {{cpu: 100m}}}}}}]}}"
        )
    };
    assert_eq!(create(&mut server, &with("one")), "");
    assert_eq!(create(&mut server, &with("two")), "");
    assert_eq!(
        create(&mut server, &with("three")),
        "pods \"three\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2"
    );

    let mut server = self::server();
    let range = "kind: LimitRange\nmetadata: {name: l}\nspec: {limits: [{type: Container, default: {cpu: 500m}, defaultRequest: {cpu: 100m}, max: {cpu: 1}}]}";
    assert_eq!(create(&mut server, range), "");
    assert_eq!(create(&mut server, &pod("")), "");
    let made = pod_of(&server, "p");
    let note = &made.metadata.annotations.unwrap()["kubernetes.io/limit-ranger"];
    assert_eq!(note, "LimitRanger plugin set: cpu request for container c; cpu limit for container c");
    let big = "kind: Pod\nmetadata: {name: big}\nspec: {containers: [{name: c, image: nginx, resources: {limits: {cpu: 2}}}]}";
    assert_eq!(
        create(&mut server, big),
        "pods \"big\" is forbidden: [maximum cpu usage per Container is 1, but limit is 2]".replace(['[', ']'], "")
    );

    let mut server = self::server();
    let mut namespace = (*server.get::<Namespace>("", "default").unwrap()).clone();
    namespace
        .metadata
        .labels
        .get_or_insert_default()
        .insert("pod-security.kubernetes.io/enforce".into(), "restricted".into());
    server.update(namespace, &Writer::new("kubectl")).unwrap();
    let findings = "allowPrivilegeEscalation != false (container \"priv\" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container \"priv\" must set securityContext.capabilities.drop=[\"ALL\"]), runAsNonRoot != true (pod or container \"priv\" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container \"priv\" must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")";
    assert_eq!(
        create(&mut server, "kind: Pod\nmetadata: {name: priv}\nspec: {containers: [{name: priv, image: nginx}]}"),
        format!("pods \"priv\" is forbidden: violates PodSecurity \"restricted:latest\": {findings}")
    );
}

/// The part `part` of the object that the text makes, against YAML recorded from a real cluster.
fn written(text: &str, part: &str, wanted: &str) {
    let mut server = server();
    assert_eq!(create(&mut server, text), "", "{text}");
    let value = yaml::parse(text).unwrap();
    let kind = value["kind"].as_str().unwrap();
    let (id, _) = server.kinds().find(|(_, k)| k.info().kind == kind).unwrap();
    let object = server.storage.get(id, "default", value["metadata"]["name"].as_str().unwrap()).unwrap();
    let mut made = object.to_value()[part].take();
    // What no two clusters share.
    if let Some(spec) = made.as_object_mut() {
        spec.retain(|key, _| !matches!(key.as_str(), "clusterIP" | "clusterIPs" | "volumes"));
        if let Some(mounts) = spec.get_mut("containers").and_then(|c| c[0].as_object_mut()) {
            mounts.remove("volumeMounts");
        }
    }
    assert_eq!(yaml::to_string(&made), yaml::to_string(&yaml::parse(wanted).unwrap()), "{text}");
}

#[test]
fn defaults_as_recorded() {
    let deployment = "kind: Deployment\nmetadata: {name: web}\nspec: {replicas: 3, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: nginx, image: 'nginx:1.21.6', ports: [{containerPort: 80}]}]}}}";
    written(
        deployment,
        "spec",
        r"
progressDeadlineSeconds: 600
replicas: 3
revisionHistoryLimit: 10
selector:
  matchLabels:
    app: web
strategy:
  rollingUpdate:
    maxSurge: 25%
    maxUnavailable: 25%
  type: RollingUpdate
template:
  metadata:
    labels:
      app: web
  spec:
    containers:
    - image: nginx:1.21.6
      imagePullPolicy: IfNotPresent
      name: nginx
      ports:
      - containerPort: 80
        protocol: TCP
      resources: {}
      terminationMessagePath: /dev/termination-log
      terminationMessagePolicy: File
    dnsPolicy: ClusterFirst
    restartPolicy: Always
    schedulerName: default-scheduler
    securityContext: {}
    terminationGracePeriodSeconds: 30
",
    );
    written(deployment, "status", "{}");
    let service = "kind: Service\nmetadata: {name: two}\nspec: {sessionAffinity: ClientIP, selector: {app: hello}, ports: [{name: http, port: 80, targetPort: web}, {name: https, port: 443}]}";
    written(
        service,
        "spec",
        r"
internalTrafficPolicy: Cluster
ipFamilies:
- IPv4
ipFamilyPolicy: SingleStack
ports:
- name: http
  port: 80
  protocol: TCP
  targetPort: web
- name: https
  port: 443
  protocol: TCP
  targetPort: 443
selector:
  app: hello
sessionAffinity: ClientIP
sessionAffinityConfig:
  clientIP:
    timeoutSeconds: 10800
type: ClusterIP
",
    );
    written(service, "status", "loadBalancer: {}");
    written(
        &pod(":1.21.6"),
        "spec",
        r"
containers:
- image: nginx:1.21.6
  imagePullPolicy: IfNotPresent
  name: c
  resources: {}
  terminationMessagePath: /dev/termination-log
  terminationMessagePolicy: File
dnsPolicy: ClusterFirst
enableServiceLinks: true
preemptionPolicy: PreemptLowerPriority
priority: 0
restartPolicy: Always
schedulerName: default-scheduler
securityContext: {}
serviceAccount: default
serviceAccountName: default
terminationGracePeriodSeconds: 30
tolerations:
- effect: NoExecute
  key: node.kubernetes.io/not-ready
  operator: Exists
  tolerationSeconds: 300
- effect: NoExecute
  key: node.kubernetes.io/unreachable
  operator: Exists
  tolerationSeconds: 300
",
    );
    let ingress = "kind: Ingress\nmetadata: {name: tls}\nspec: {tls: [{hosts: [a.example.com], secretName: my-cert}], rules: [{host: a.example.com, http: {paths: [{path: /, pathType: Exact, backend: {service: {name: svc, port: {name: http}}}}]}}]}";
    written(ingress, "status", "loadBalancer: {}");
}

#[test]
fn headless_and_external_services() {
    let of = |text: &str| {
        let mut server = server();
        assert_eq!(create(&mut server, text), "");
        let made = server.get::<k8s_openapi::api::core::v1::Service>("default", "s").unwrap();
        (made.spec.clone().unwrap(), server.allocators.service_ips.len())
    };
    let (spec, held) =
        of("kind: Service\nmetadata: {name: s}\nspec: {clusterIP: None, selector: {a: b}, ports: [{port: 80}]}");
    assert_eq!(
        (spec.cluster_ips, spec.ip_family_policy.as_deref(), held),
        (Some(vec!["None".into()]), Some("SingleStack"), 0)
    );
    let (spec, held) = of("kind: Service\nmetadata: {name: s}\nspec: {type: ExternalName, externalName: example.com}");
    assert_eq!((spec.cluster_ip, spec.internal_traffic_policy, held), (None, None, 0));
}

#[test]
fn a_service_changes_its_type() {
    let mut server = server();
    assert_eq!(
        create(&mut server, "kind: Service\nmetadata: {name: s}\nspec: {type: NodePort, ports: [{port: 80}]}"),
        ""
    );
    let writer = Writer::new("kubectl");
    let service =
        |server: &ApiServer| (*server.get::<k8s_openapi::api::core::v1::Service>("default", "s").unwrap()).clone();
    let mut changed = service(&server);
    let held = changed.spec.as_ref().unwrap().cluster_ip.clone();
    changed.spec.as_mut().unwrap().type_ = Some("ClusterIP".into());
    server.update(changed, &writer).unwrap();
    let spec = service(&server).spec.unwrap();
    assert_eq!((spec.ports.unwrap()[0].node_port, spec.external_traffic_policy), (None, None));
    assert_eq!((server.allocators.node_ports.len(), spec.cluster_ip), (0, held));
    let mut moved = service(&server);
    moved.spec.as_mut().unwrap().cluster_ip = Some("10.96.7.7".into());
    let refused = server.update(moved, &writer).unwrap_err();
    assert_eq!(
        refused.message,
        "Service \"s\" is invalid: spec.clusterIPs[0]: Invalid value: [\"10.96.7.7\"]: may not change once set"
    );
}
