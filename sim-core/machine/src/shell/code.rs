//! What the parser makes of a script: words with their expansions, and a flat list of instructions.
//!
//! Jumps are relative to the instruction after them, so pieces can be put together without relocation.

use std::sync::{Arc, OnceLock};

/// One piece of a word.
#[derive(Clone, Debug)]
pub enum Part {
    /// Unquoted text: patterns and `~` mean something.
    Lit(String),
    Quoted(String),
    /// Between double quotes.
    Double(Vec<Part>),
    Param(Box<Param>),
    /// `$(…)` or backticks.
    Subst(Arc<Code>),
    /// `$((…))`.
    Arith(Vec<Part>),
}

pub type Word = Vec<Part>;

#[derive(Clone, Debug, PartialEq)]
pub enum Subscript {
    None,
    At,
    Star,
    Of(String),
}

/// `${name[subscript]op}`.
#[derive(Clone, Debug)]
pub struct Param {
    pub name: String,
    pub subscript: Subscript,
    pub op: ParamOp,
}

#[derive(Clone, Debug)]
pub enum ParamOp {
    Plain,
    Length,
    /// `${!name}`, `${!array[@]}`.
    Indirect,
    /// `-`, `=`, `?`, `+`, each with or without the colon.
    Default {
        op: char,
        colon: bool,
        word: Word,
    },
    /// `#`, `##`, `%`, `%%`.
    Trim {
        suffix: bool,
        longest: bool,
        pattern: Word,
    },
    Replace {
        all: bool,
        anchor: Option<char>,
        pattern: Word,
        with: Word,
    },
    Slice {
        from: Word,
        length: Option<Word>,
    },
    Case {
        upper: bool,
        all: bool,
    },
}

#[derive(Clone, Debug)]
pub enum Target {
    File(Word),
    /// `2>&1`, `<&-`.
    Dup(Word),
    /// A here-document; filled when its body has been read.
    Text(Arc<OnceLock<Word>>),
    /// `<<< word`.
    Line(Word),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Read,
    Write,
    Append,
    ReadWrite,
    /// `&>` and `&>>`: both output and errors.
    Both,
    BothAppend,
}

#[derive(Clone, Debug)]
pub struct Redirect {
    pub fd: u32,
    pub how: How,
    pub target: Target,
}

#[derive(Clone, Debug)]
pub enum AssignValue {
    Word(Word),
    Array(Vec<(Option<Word>, Word)>),
}

#[derive(Clone, Debug)]
pub struct Assign {
    pub name: String,
    pub subscript: Option<Word>,
    pub append: bool,
    pub value: AssignValue,
}

#[derive(Clone, Debug, Default)]
pub struct Simple {
    pub line: u32,
    pub assigns: Vec<Assign>,
    pub words: Vec<Word>,
    pub redirects: Vec<Redirect>,
    /// `local a=(…)`: done after the declaring builtin.
    pub arrays: Vec<Assign>,
}

#[derive(Clone, Debug)]
pub enum Cond {
    Not(Box<Cond>),
    And(Box<Cond>, Box<Cond>),
    Or(Box<Cond>, Box<Cond>),
    /// `-f word`.
    Unary(String, Word),
    /// `a == b`; also `=~`, `-nt`, `-lt`.
    Binary(Word, String, Word),
    Word(Word),
}

#[derive(Clone, Debug)]
pub enum Op {
    Simple(Arc<Simple>),
    Jump(i32),
    /// Jumps when the last status is success (`true`) or failure.
    JumpIf(bool, i32),
    Not,
    SetStatus(i32),
    /// Entering or leaving a place where failure is no reason to stop under `set -e`.
    Lenient(bool),
    Redirect(Arc<Vec<Redirect>>),
    Restore,
    /// A loop whose end lies `end` instructions ahead; `continue` goes to the second instruction after this one.
    Loop {
        end: i32,
    },
    /// The end of a loop's body: keeps its status and jumps back.
    Again(i32),
    EndLoop,
    For {
        words: Option<Arc<Vec<Word>>>,
    },
    /// Takes the next item or jumps.
    Next {
        name: Arc<str>,
        done: i32,
    },
    Case {
        word: Arc<Word>,
        arms: Arc<Vec<(Vec<Word>, i32)>>,
        end: i32,
    },
    Subshell(Arc<Code>),
    Pipeline(Arc<Vec<Arc<Code>>>),
    Background(Arc<Code>),
    Function {
        name: Arc<str>,
        body: Arc<Code>,
    },
    Arith {
        text: Arc<Word>,
        line: u32,
    },
    Test {
        cond: Arc<Cond>,
        line: u32,
    },
}

#[derive(Clone, Debug, Default)]
pub struct Code {
    pub ops: Vec<Op>,
    /// As it was typed, for `jobs` and `type`.
    pub text: String,
}
