//! A terminal of the laptop joined to a command in a container: `docker run`, `docker exec`, `docker attach`, `minikube ssh`.

use crate::docker::engine::{Container, State};
use crate::outside;
use machine::machine::{SessionId, TtyId};
use machine::process::{Ctx, Input, Process, Signal, Step, Wake};

#[derive(Clone)]
pub struct Relay {
    container: String,
    to: To,
    interactive: bool,
    tty: bool,
    /// Lines of the log shown so far.
    shown: usize,
    begun: bool,
    closed: bool,
    /// A line printed when it ends (`logout`).
    farewell: &'static str,
}

#[derive(Clone)]
enum To {
    Main,
    Session { session: SessionId, tty: Option<TtyId> },
}

impl Relay {
    /// Joins the container's first process, whose `watched` the caller has counted up. What it logged before `shown` is not
    /// repeated.
    pub fn main(container: &str, interactive: bool, tty: bool, shown: usize) -> Self {
        Self {
            container: container.to_owned(),
            to: To::Main,
            interactive,
            tty,
            shown,
            begun: false,
            closed: false,
            farewell: "",
        }
    }

    /// Joins a command that was started in the container.
    pub fn session(
        container: &str,
        session: SessionId,
        tty: Option<TtyId>,
        interactive: bool,
        farewell: &'static str,
    ) -> Self {
        let to = To::Session { session, tty };
        Self {
            container: container.to_owned(),
            to,
            interactive,
            tty: tty.is_some(),
            shown: 0,
            begun: false,
            closed: false,
            farewell,
        }
    }

    /// Hands on what was typed; false when nothing was.
    fn forward(&mut self, ctx: &mut Ctx<'_>) {
        if !self.interactive || self.closed {
            return;
        }
        loop {
            let input = ctx.read();
            let Some(outside) = outside::of(ctx.host) else { return };
            let (to, main_tty) = (self.to.clone(), outside.docker.get(&self.container).and_then(|c| c.tty));
            let main = outside.docker.get(&self.container).and_then(|c| c.main);
            let (session, tty) = match to {
                To::Main => (main, main_tty),
                To::Session { session, tty } => (Some(session), tty),
            };
            let done = match input {
                Input::Data(bytes) => {
                    outside.with_machine(&self.container, |machine, _| match (tty, session) {
                        (Some(tty), _) => machine.feed(tty, &bytes),
                        (None, Some(session)) => machine.write_stdin(session, &bytes),
                        (None, None) => {}
                    });
                    false
                }
                Input::Eof => {
                    self.closed = true;
                    outside.with_machine(&self.container, |machine, _| match (tty, session) {
                        (Some(tty), _) => machine.feed(tty, &[4]),
                        (None, Some(session)) => machine.close_stdin(session),
                        (None, None) => {}
                    });
                    true
                }
                Input::Pending => true,
            };
            if done {
                return;
            }
        }
    }

    /// Shows what the other side printed; its exit code once it has ended.
    fn show(&mut self, ctx: &mut Ctx<'_>) -> Option<i32> {
        let outside = outside::of(ctx.host)?;
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = match &self.to {
            To::Main => {
                let Some(c) = outside.docker.get_mut(&self.container) else { return Some(137) };
                self.shown = main_output(c, self.tty, self.shown, &mut out, &mut err);
                match c.state {
                    State::Exited { code, .. } => Some(code),
                    _ => None,
                }
            }
            To::Session { session, tty } => {
                let (session, tty) = (*session, *tty);
                let gone = !outside.docker.get(&self.container).is_some_and(Container::running);
                let code = outside.with_machine(&self.container, |machine, _| {
                    if let Some(tty) = tty {
                        out = machine.take_output(tty);
                    }
                    out.extend(machine.take_stdout(session));
                    err = machine.take_stderr(session);
                    let code = machine.exit_code(session);
                    if code.is_some() {
                        machine.drop_session(session);
                    }
                    code
                });
                if gone { Some(137) } else { code.flatten() }
            }
        };
        ctx.out_bytes(&out);
        let err = String::from_utf8_lossy(&err).into_owned();
        ctx.err(&err);
        code
    }

    /// The container may go now (`--rm`).
    fn unwatch(&self, ctx: &mut Ctx<'_>) {
        if matches!(self.to, To::Main)
            && let Some(c) = outside::of(ctx.host).and_then(|o| o.docker.get_mut(&self.container))
        {
            c.watched = c.watched.saturating_sub(1);
        }
    }

    fn interrupt(&mut self, ctx: &mut Ctx<'_>) {
        let Some(outside) = outside::of(ctx.host) else { return };
        let now = outside.now;
        if let Some(c) = outside.docker.get_mut(&self.container) {
            match (&self.to, &mut c.native) {
                (To::Main, Some(process)) => process.signal(now, cluster::images::process::Signal::Int),
                (To::Main, None) => {
                    if let (Some(machine), Some(main)) = (&mut c.machine, c.main)
                        && let Some(pid) = machine.session_pid(main)
                    {
                        machine.signal(pid, Signal::Int);
                    }
                }
                (To::Session { session, .. }, _) => {
                    if let Some(machine) = &mut c.machine
                        && let Some(pid) = machine.session_pid(*session)
                    {
                        machine.signal(pid, Signal::Int);
                    }
                }
            }
            c.poke();
        }
    }
}

/// New output of a container's first process since line `shown`.
fn main_output(c: &mut Container, tty: bool, shown: usize, out: &mut Vec<u8>, err: &mut Vec<u8>) -> usize {
    let screen = std::mem::take(&mut c.screen);
    if tty {
        out.extend(screen);
        return c.log.len();
    }
    for line in c.log.iter().skip(shown) {
        let to = if line.stderr { &mut *err } else { &mut *out };
        to.extend(line.text.bytes());
        to.push(b'\n');
    }
    c.log.len()
}

impl Process for Relay {
    fn step(&mut self, ctx: &mut Ctx<'_>) -> Step {
        if !self.begun {
            self.begun = true;
            if self.tty && self.interactive {
                ctx.set_raw(true);
            }
        }
        if ctx.interrupted() {
            self.interrupt(ctx);
        }
        self.forward(ctx);
        match self.show(ctx) {
            Some(code) => {
                self.unwatch(ctx);
                if self.tty && self.interactive {
                    ctx.set_raw(false);
                }
                ctx.out(self.farewell);
                Step::Exit(code)
            }
            None => Step::Wait(Wake::InputOrWorld),
        }
    }
}
