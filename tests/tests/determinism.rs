//! One seed, one history: a play repeated, a play looked back upon and a play taken up again from a copy are all the same.

use std::path::PathBuf;
use tests::play::{Player, world_for};
use tests::scenario::{self, Scenario};
use tests::trace::{changes, parting, trace};

const SEED: u64 = 7;

fn read(name: &str) -> Scenario {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("transcripts").join(format!("{name}.scenario"));
    scenario::parse(&std::fs::read_to_string(path).expect("the scenario is there"))
}

fn same(what: &str, one: &[String], other: &[String]) {
    if let Some(parting) = parting(one, other) {
        panic!("{what}: they part in {parting}");
    }
}

/// What no learner would want to have done; time passes, too.
fn wreck(mut player: Player) {
    for command in [
        "kubectl delete deployments,pods,services --all -A --wait=false",
        "kubectl create namespace elsewhere",
        "rm -rf ./* ~/.bashrc; cd /; unset HOME",
    ] {
        player.run(command);
    }
    player.sleep(apimachinery::time::Duration::from_secs(90));
}

fn check(name: &str) {
    let scenario = read(name);
    let (first, second) = scenario.steps.split_at(scenario.steps.len() / 2);

    let mut straight = Player::new(world_for(&scenario, SEED));
    let mut entries = straight.play(first);
    entries.extend(straight.play(second));
    let straight = trace(&entries, &straight.world);
    assert!(straight.len() > scenario.steps.len(), "{name}: something was stored");

    let mut live = Player::new(world_for(&scenario, SEED));
    let mut entries = live.play(first);
    let before = changes(&live.world);
    wreck(live.clone());
    same(&format!("{name}: a copy that went astray touches nothing"), &before, &changes(&live.world));
    let mut again = live.clone();

    let after = live.play(second);
    let replayed = again.play(second);
    same(&format!("{name}: replay and live"), &trace(&after, &live.world), &trace(&replayed, &again.world));
    entries.extend(after);
    same(&format!("{name}: undone and never done, played twice"), &straight, &trace(&entries, &live.world));
}

/// The ones with the most in them: the tutorial, jobs and their clocks, stateful sets and volumes, three nodes that come and go.
mod one_history {
    use super::check;

    #[test]
    fn tutorial() {
        check("01-tutorial");
    }
    #[test]
    fn jobs() {
        check("06-jobs");
    }
    #[test]
    fn stateful() {
        check("07-stateful");
    }
    #[test]
    fn nodes3() {
        check("20-nodes3");
    }
}

/// Were the traces blind to what chance decides, the tests above could not fail.
#[test]
fn another_seed_is_another_history() {
    let scenario = read("03-deployment");
    let of = |seed| {
        let mut player = Player::new(world_for(&scenario, seed));
        let entries = player.play(&scenario.steps[..6]);
        trace(&entries, &player.world)
    };
    assert!(parting(&of(1), &of(2)).is_some());
}
