//! What must hold in wasm exactly as it does natively. The checks are plain functions: `tests/wasm.rs` runs them under
//! Node (or a browser), `cargo nextest` runs the same ones natively.

use session::{Config, Key, Session, Speed};
use std::time::Duration;

/// Types a line in the first terminal, lets some time pass, and answers all that was printed.
pub fn transcript(lines: &[&str]) -> String {
    let mut session = Session::new(&Config::default());
    let tab = session.tabs().next().expect("a session begins with one terminal");
    session.set_speed(Speed::Fast);
    for line in lines {
        for c in line.chars() {
            session.key(tab, Key::Char(c));
        }
        session.key(tab, Key::Enter);
        for _ in 0..50 {
            session.tick(Duration::from_millis(100));
        }
    }
    session.output(tab).expect("the first terminal is still open").since(0).to_owned()
}
