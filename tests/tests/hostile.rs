//! What a careless or malicious learner types: an error a real tool would give, nothing lost, and never a panic or a freeze.

use apimachinery::time::Duration;
use terminal::TabId;
use tests::play::{Player, world_for};
use tests::scenario::parse;
use tests::trace::changes;

fn player() -> Player {
    let mut player = Player::new(world_for(&parse(""), 3));
    // The cluster comes to rest first, so that what is stored later came from the learner.
    player.sleep(Duration::from_secs(30));
    player
}

/// Puts a file beside the learner's.
fn put(player: &mut Player, name: &str, bytes: impl Into<Vec<u8>>) {
    player.world.laptop.fs.root.install(&format!("/home/learner/play/{name}"), 0o644, bytes).expect("room on the disk");
}

/// What the learner's kubectl has had stored.
fn stored(player: &Player) -> Vec<String> {
    changes(&player.world).into_iter().filter(|c| c.contains(" by kubectl")).collect()
}

/// The command fails, says this, and the cluster stores nothing.
fn refused(player: &mut Player, command: &str, words: &str) {
    let before = stored(player);
    let said = player.run(command);
    let shown = |text: &str| text.chars().take(600).collect::<String>();
    assert!(said.rc != 0 && said.rc != 124, "{}: ended with {}\n{}", shown(command), said.rc, shown(&said.stdout));
    assert!(said.stderr.contains(words), "{}: wanted {words:?}\n{}", shown(command), shown(&said.stderr));
    assert_eq!(before, stored(player), "{}: something was stored", shown(command));
}

/// The shell is still there, and so is the cluster.
fn well(player: &mut Player) {
    let said = player.run("echo still here; kubectl get nodes -o name");
    assert_eq!((said.stdout.as_str(), said.rc), ("still here\nnode/minikube\n", 0), "{}", said.stderr);
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let mut p = player();
    let junk: Vec<u8> = (0..20_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    put(&mut p, "junk", junk);
    refused(&mut p, "kubectl apply -f junk", "error");
    refused(&mut p, "kubectl apply -f /bin/ls", "error");
    put(&mut p, "nul.json", "{\"kind\": \"Pod\u{0}\"");
    refused(&mut p, "kubectl create -f nul.json", "error");
    for command in [
        "tar xf junk",
        "base64 -d junk",
        "bash junk",
        "kubectl --kubeconfig junk get pods",
        "kubectl apply -k junk",
        "sort junk | uniq -c | tail -1",
        "grep -c x junk",
        "sed s/x/y/ junk | wc -c",
        "awk '{print $1}' junk | wc -l",
        "diff junk /bin/ls",
        "kubectl create configmap c --from-file=junk --dry-run=client -o yaml | wc -l",
        "xargs -n1 echo < junk | wc -l",
    ] {
        assert_ne!(p.run(command).rc, 124, "{command} ended");
    }
    well(&mut p);
}

#[test]
fn aliases_do_not_explode() {
    let mut p = player();
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for i in 1..12 {
        let row = vec![format!("*a{}", i - 1); 10].join(", ");
        bomb.push_str(&format!("a{i}: &a{i} [{row}]\n"));
    }
    put(&mut p, "bomb.yaml", bomb);
    refused(&mut p, "kubectl apply -f bomb.yaml", "document contains excessive aliasing");
    well(&mut p);
}

#[test]
fn large_things_are_refused_or_done() {
    let mut p = player();
    let data = "x".repeat(10 << 20);
    put(&mut p, "big.yaml", format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: big}}\ndata: {{a: {data}}}\n"));
    refused(&mut p, "kubectl create -f big.yaml", "oo l");
    put(&mut p, "many.txt", "line\n".repeat(2 << 20));
    assert_eq!(p.run("wc -l < many.txt").stdout.trim(), "2097152");
    refused(&mut p, "kubectl create configmap big --from-file=many.txt", "oo l");
    let selector = (0..20_000).map(|i| format!("k{i}=v")).collect::<Vec<_>>().join(",");
    assert_eq!(
        p.run(&format!("kubectl get pods -l '{selector}'")).stderr,
        "No resources found in default namespace.\n"
    );
    refused(&mut p, &format!("kubectl get pods -l 'a in ({}'", "b,".repeat(50_000)), "");
    refused(&mut p, &format!("kubectl get pods {}", "n".repeat(100_000)), "");
    let path = "{.items[*].metadata.name}".repeat(5_000);
    assert_eq!(p.run(&format!("kubectl get nodes -o jsonpath='{path}' | wc -c")).stdout.trim(), "40000");
    well(&mut p);
}

/// A terminal with a shell at its prompt.
fn tab(p: &mut Player) -> TabId {
    let tab = p.world.open_tab(80, 24);
    p.sleep(Duration::from_secs(1));
    p.world.take_output(tab);
    tab
}

fn typed(p: &mut Player, tab: TabId, bytes: &[u8], seconds: u64) -> String {
    p.world.input(tab, bytes);
    p.sleep(Duration::from_secs(seconds));
    String::from_utf8_lossy(&p.world.take_output(tab)).into_owned()
}

#[test]
fn a_fork_bomb_meets_a_limit() {
    let mut p = player();
    let tab = tab(&mut p);
    let text = typed(&mut p, tab, b":(){ :|:& };:\r", 2);
    assert!(p.world.laptop.processes().count() < 5_000, "{text}");
    p.world.close_tab(tab);
    p.run("pkill -9 -f bomb");
    let cluster = changes(&p.world);
    p.sleep(Duration::from_secs(1));
    assert!(!cluster.is_empty());
}

#[test]
fn keys_of_any_kind_do_no_harm() {
    let mut p = player();
    let tab = tab(&mut p);
    let mut state = 0x1234_5678_u32;
    for _ in 0..40 {
        let bytes: Vec<u8> = (0..64)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                match state >> 24 {
                    // No line ends: what is typed is edited, not run.
                    10 | 13 | 15 => b'x',
                    b => b as u8,
                }
            })
            .collect();
        p.world.input(tab, &bytes);
        p.world.resize(tab, (state % 7) as u16, (state % 5) as u16);
    }
    p.world.resize(tab, 80, 24);
    p.world.close_tab(tab);
    well(&mut p);
}
