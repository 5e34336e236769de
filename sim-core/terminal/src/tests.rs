//! Programs of the laptop, run one after the other in a world, and what they print.

use crate::{StartState, World, WorldConfig, laptop};
use apimachinery::time::Duration;
use machine::fs::Cred;
use machine::machine::Start;

/// Virtual time one command may take.
const LIMIT: Duration = Duration::from_secs(300);

struct Lab {
    world: World,
    cred: Cred,
}

struct Said {
    out: String,
    err: String,
    code: Option<i32>,
}

impl Lab {
    fn new(state: StartState) -> Self {
        let world = World::new(&WorldConfig { start_state: state, ..WorldConfig::default() });
        let cred = laptop::credentials(&world.laptop, laptop::USER);
        Self { world, cred }
    }

    /// Runs one command line (words apart by blanks) with `input` on its standard input.
    fn run_with(&mut self, line: &str, input: &str) -> Said {
        let argv = line.split(' ').map(str::to_owned).collect();
        let start = Start { argv, cwd: laptop::HOME.into(), cred: self.cred.clone(), stdin: true, ..Start::default() };
        let session = match self.world.laptop.spawn_session(start) {
            Ok(session) => session,
            Err(e) => return Said { out: String::new(), err: e.message().to_owned(), code: Some(127) },
        };
        self.world.laptop.write_stdin(session, input.as_bytes());
        self.world.laptop.close_stdin(session);
        let end = self.world.now() + LIMIT;
        self.world.poke();
        while self.world.laptop.exit_code(session).is_none() && self.world.step(end) {}
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let said = Said {
            out: text(self.world.laptop.take_stdout(session)),
            err: text(self.world.laptop.take_stderr(session)),
            code: self.world.laptop.exit_code(session),
        };
        self.world.laptop.drop_session(session);
        said
    }

    fn run(&mut self, line: &str) -> Said {
        self.run_with(line, "")
    }

    /// The command ends well; what it printed.
    fn ok(&mut self, line: &str) -> String {
        let said = self.run(line);
        assert_eq!(said.code, Some(0), "{line}\n{}{}", said.out, said.err);
        said.out
    }

    /// The command fails and says this.
    fn refused(&mut self, line: &str, words: &str) {
        let said = self.run(line);
        assert!(said.err.contains(words) && said.code != Some(0), "{line}\n{}{} ({:?})", said.out, said.err, said.code);
    }

    fn write(&mut self, path: &str, text: &str) {
        self.world.laptop.fs.root.install(path, 0o644, text).expect("room on the disk");
    }

    fn wait(&mut self, secs: u64) {
        let until = self.world.now() + Duration::from_secs(secs);
        self.world.run_until(until);
    }
}

#[test]
fn a_published_web_server_answers_and_stops() {
    let mut lab = Lab::new(StartState::Ready);
    let said = lab.run("docker run -d --name web -p 8080:80 nginx:1.21.6");
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.err.starts_with("Unable to find image 'nginx:1.21.6' locally\n"), "{}", said.err);
    assert!(said.out.contains("1.21.6: Pulling from library/nginx\n"), "{}", said.out);
    assert!(said.out.contains("Status: Downloaded newer image for nginx:1.21.6\n"), "{}", said.out);
    lab.wait(2);
    assert!(lab.ok("curl -s http://localhost:8080").contains("Welcome to nginx!"));
    assert!(lab.ok("docker ps").contains("0.0.0.0:8080->80/tcp, [::]:8080->80/tcp"));
    let logs = lab.run("docker logs web");
    assert!(logs.out.contains("\"GET / HTTP/1.1\" 200 615"), "{}", logs.out);
    lab.refused("docker run -d --name web nginx:1.21.6", "The container name \"/web\" is already in use");
    lab.refused("docker run -d -p 8080:80 nginx:1.21.6", "port is already allocated");
    lab.refused("docker rm web", "container is running: stop the container");
    assert_eq!(lab.ok("docker stop web"), "web\n");
    assert_eq!(lab.ok("docker rm web"), "web\n");
    lab.refused("curl -s http://localhost:8080", "");
}

#[test]
fn one_shot_containers_print_and_end() {
    let mut lab = Lab::new(StartState::Ready);
    assert!(lab.ok("docker run hello-world").contains("Hello from Docker!"));
    assert!(lab.ok("docker ps -a").contains("Exited (0)"));
    assert!(lab.run("docker run --rm postgres:16").err.contains("superuser password is not specified"));
    lab.refused(
        "docker run nosuchimage",
        "pull access denied for nosuchimage, repository does not exist or may require 'docker login'",
    );
    lab.refused("docker run nginx:nosuch", "manifest for nginx:nosuch not found: manifest unknown");
    lab.refused("docker run --rm busybox nosuchcmd", "exec: \"nosuchcmd\": executable file not found in $PATH");
    lab.refused(
        "docker build -t registry.gitlab.com/mygroup/myproject/myimage",
        "ERROR: docker: 'docker buildx build' requires 1 argument",
    );
}

#[test]
fn an_image_is_built_pushed_and_needs_a_login() {
    let mut lab = Lab::new(StartState::Ready);
    let name = "registry.gitlab.com/mygroup/myproject/myimage";
    lab.write("/home/learner/app/Dockerfile", "FROM nginx:1.21.6\nCOPY index.html /usr/share/nginx/html/\nEXPOSE 80\n");
    lab.write("/home/learner/app/index.html", "hello from my image\n");
    let said = lab.run(&format!("docker build -t {name} app"));
    assert_eq!(said.code, Some(0), "{}", said.err);
    lab.ok(&format!("docker run -d -p 8081:80 {name}"));
    lab.wait(2);
    assert_eq!(lab.ok("curl -s localhost:8081"), "hello from my image\n");
    lab.refused(&format!("docker push {name}"), "denied");
    let said = lab.run_with("docker login -u me --password-stdin registry.gitlab.com", "secret\n");
    assert!(said.out.contains("Login Succeeded"), "{}{}", said.out, said.err);
    let said = lab.run(&format!("docker push {name}"));
    assert!(said.out.contains("latest: digest: sha256:"), "{}{}", said.out, said.err);
    let said = lab.run_with("docker login -u me --password-stdin registry.gitlab.com", "wrong\n");
    assert!(said.err.contains("denied: access forbidden"), "{}", said.err);
}

#[test]
fn the_tutorials_installation_ends_in_a_cluster() {
    let mut lab = Lab::new(StartState::Fresh);
    assert_eq!(lab.run("docker ps").code, Some(127));
    lab.refused("pacman -S docker", "error: you cannot perform this operation unless you are root.");
    lab.ok("sudo pacman -S --noconfirm docker minikube kubectl");
    lab.refused("docker ps", "Is the docker daemon running?");
    let said = lab.run("sudo systemctl enable docker");
    assert!(said.err.starts_with("Created symlink"), "{}", said.err);
    lab.ok("sudo systemctl start docker");
    lab.refused("docker ps", "permission denied while trying to connect");
    lab.refused("sudo groupadd docker", "groupadd: group 'docker' already exists");
    lab.ok("sudo usermod -aG docker learner");
    lab.refused("docker ps", "permission denied while trying to connect");
    assert!(lab.run("minikube config set driver docker").err.contains("These changes will take effect"));
    lab.refused("minikube start", "PROVIDER_DOCKER_NEWGRP");
    lab.run("sudo reboot");
    lab.cred = laptop::credentials(&lab.world.laptop, laptop::USER);
    lab.ok("docker ps");
    let said = lab.ok("minikube start --kubernetes-version=v1.23.3");
    assert!(said.contains("Done! kubectl is now configured to use \"minikube\" cluster"), "{said}");
    lab.wait(30);
    let nodes = lab.ok("kubectl get node");
    assert!(
        nodes.contains("control-plane,master") && nodes.contains("v1.23.3") && nodes.contains(" Ready "),
        "{nodes}"
    );
    assert!(lab.ok("minikube kubectl -- get node").contains("minikube"));
}

#[test]
fn a_pod_is_reached_through_a_forwarded_port() {
    let mut lab = Lab::new(StartState::Ready);
    assert!(lab.ok("kubectl get nodes").contains("Ready"));
    let pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: nginx\nspec:\n  containers:\n  - name: nginx\n    image: nginx:1.21.6\n";
    lab.write("/home/learner/pod.yaml", pod);
    lab.ok("kubectl apply -f pod.yaml");
    lab.wait(5);
    let pods = lab.ok("kubectl get pod");
    assert!(pods.contains("1/1     Running"), "{pods}");
    lab.refused("curl http://localhost", "Failed to connect to localhost port 80");
    let start = Start {
        argv: "kubectl port-forward pod/nginx 8080:80".split(' ').map(str::to_owned).collect(),
        cwd: laptop::HOME.into(),
        cred: lab.cred.clone(),
        ..Start::default()
    };
    let forward = lab.world.laptop.spawn_session(start).expect("kubectl is there");
    lab.world.poke();
    lab.wait(1);
    let said = lab.world.laptop.take_stdout(forward);
    assert!(String::from_utf8_lossy(&said).contains("Forwarding from 127.0.0.1:8080 -> 80"), "{said:?}");
    assert!(lab.ok("curl -s http://localhost:8080").contains("Welcome to nginx!"));
}

#[test]
fn minikube_tells_how_the_cluster_is() {
    let mut lab = Lab::new(StartState::Ready);
    let status = lab.ok("minikube status");
    assert_eq!(
        status,
        "minikube\ntype: Control Plane\nhost: Running\nkubelet: Running\napiserver: Running\nkubeconfig: Configured\n\n"
    );
    assert_eq!(lab.ok("minikube ip"), "192.168.49.2\n");
    lab.ok("minikube stop");
    assert_eq!(lab.run("minikube status").code, Some(7));
    assert_ne!(lab.run("kubectl get nodes").code, Some(0));
    lab.ok("minikube delete");
    assert_eq!(lab.run("minikube status").code, Some(85));
    assert!(lab.ok("minikube start --nodes 2").contains("minikube-m02"));
    lab.wait(30);
    assert!(lab.ok("kubectl get nodes").contains("minikube-m02"));
}
