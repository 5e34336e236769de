//! Tokens to a tree of nodes, with anchors resolved to the nodes they name.
//!
//! Follows libyaml's parser in grammar and complaints. Depth is bounded; reads one document and stops at its end.

use super::DEPTH_MAX;
use super::scanner::{Fault, Kind, Mark, Scanner, Token};
use std::collections::BTreeMap;

/// A node's place in [`Tree::nodes`].
pub(super) type Id = usize;

#[derive(Clone, Debug)]
pub(super) enum Content {
    Scalar { text: String, tag: String, plain: bool },
    Sequence(Vec<Id>),
    Mapping(Vec<(Id, Id)>),
    Alias { name: String, target: Id },
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub content: Content,
    pub start: Mark,
    pub end: Mark,
}

#[derive(Default)]
pub(super) struct Tree {
    pub nodes: Vec<Node>,
    /// `None` for an empty stream.
    pub root: Option<Id>,
}

/// What can be wrong with the tree itself.
pub(super) enum Wrong {
    Syntax(Fault),
    UnknownAnchor(String),
}

impl From<Fault> for Wrong {
    fn from(fault: Fault) -> Self {
        Self::Syntax(fault)
    }
}

struct Composer<'a> {
    scanner: Scanner<'a>,
    nodes: Vec<Node>,
    anchors: BTreeMap<String, Id>,
    tag_directives: Vec<(String, String)>,
    /// Where the flow collection just read was closed.
    closed: Option<Mark>,
    depth: usize,
}

/// Reads the first document of `text`.
pub(super) fn compose(text: &str) -> Result<Tree, Wrong> {
    let mut composer = Composer {
        scanner: Scanner::new(text),
        nodes: Vec::new(),
        anchors: BTreeMap::new(),
        tag_directives: Vec::new(),
        closed: None,
        depth: 0,
    };
    composer.scanner.next()?;
    let root = composer.document()?;
    Ok(Tree { nodes: composer.nodes, root })
}

fn fault<T>(context: Option<Mark>, problem: &str, at: Mark) -> Result<T, Wrong> {
    Err(Wrong::Syntax(Fault {
        problem: problem.to_owned(),
        problem_line: at.line,
        context_line: context.map_or(0, |m| m.line),
        from_scanner: false,
    }))
}

impl Composer<'_> {
    fn kind(&mut self) -> Result<&Kind, Wrong> {
        Ok(&self.scanner.peek()?.kind)
    }

    /// Takes the next token if it is `kind`.
    fn take(&mut self, kind: &Kind) -> Result<Option<Token>, Wrong> {
        if self.kind()? == kind { Ok(Some(self.scanner.next()?)) } else { Ok(None) }
    }

    fn add(&mut self, content: Content, start: Mark, end: Mark) -> Id {
        self.nodes.push(Node { content, start, end });
        self.nodes.len() - 1
    }

    fn empty(&mut self, mark: Mark) -> Id {
        self.add(Content::Scalar { text: String::new(), tag: String::new(), plain: true }, mark, mark)
    }

    fn document(&mut self) -> Result<Option<Id>, Wrong> {
        let explicit = match self.kind()? {
            Kind::StreamEnd => return Ok(None),
            Kind::Version(..) | Kind::TagDirective { .. } | Kind::DocumentStart => true,
            _ => false,
        };
        self.directives()?;
        if explicit && self.take(&Kind::DocumentStart)?.is_none() {
            let at = self.scanner.peek()?.start;
            return fault(None, "did not find expected <document start>", at);
        }
        let token = self.scanner.peek()?;
        let start = token.start;
        let is_empty = matches!(
            token.kind,
            Kind::Version(..) | Kind::TagDirective { .. } | Kind::DocumentStart | Kind::DocumentEnd | Kind::StreamEnd
        );
        let root = if explicit && is_empty { self.empty(start) } else { self.node(true, false)? };
        // The end of a document shows at the next token, which must be readable.
        self.scanner.peek()?;
        Ok(Some(root))
    }

    fn directives(&mut self) -> Result<(), Wrong> {
        let mut version_seen = false;
        loop {
            let start = self.scanner.peek()?.start;
            match self.kind()? {
                Kind::Version(..) if version_seen => return fault(None, "found duplicate %YAML directive", start),
                Kind::Version(major, minor) if (*major, *minor) != (1, 1) => {
                    return fault(None, "found incompatible YAML document", start);
                }
                Kind::Version(..) => version_seen = true,
                Kind::TagDirective { handle, prefix } => {
                    let directive = (handle.clone(), prefix.clone());
                    if self.tag_directives.iter().any(|(h, _)| *h == directive.0) {
                        return fault(None, "found duplicate %TAG directive", start);
                    }
                    self.tag_directives.push(directive);
                }
                _ => break,
            }
            self.scanner.next()?;
        }
        for (handle, prefix) in [("!", "!"), ("!!", "tag:yaml.org,2002:")] {
            if !self.tag_directives.iter().any(|(h, _)| h == handle) {
                self.tag_directives.push((handle.to_owned(), prefix.to_owned()));
            }
        }
        Ok(())
    }

    fn node(&mut self, block: bool, indentless: bool) -> Result<Id, Wrong> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let at = self.scanner.peek()?.start;
            return fault(None, &format!("exceeded max depth of {DEPTH_MAX}"), at);
        }
        let id = self.node_inside(block, indentless);
        self.depth -= 1;
        id
    }

    fn node_inside(&mut self, block: bool, indentless: bool) -> Result<Id, Wrong> {
        if matches!(self.kind()?, Kind::Alias(_)) {
            let token = self.scanner.next()?;
            let Kind::Alias(name) = token.kind else { unreachable!("just matched") };
            let Some(target) = self.anchors.get(&name).copied() else { return Err(Wrong::UnknownAnchor(name)) };
            return Ok(self.add(Content::Alias { name, target }, token.start, token.end));
        }
        let start = self.scanner.peek()?.start;
        let (anchor, tag) = self.properties(start)?;
        let has_properties = anchor.is_some() || !tag.is_empty();
        let token = self.scanner.peek()?;
        let (content_start, end) = (token.start, token.end);
        // The node is made before what is inside it, so that an alias inside can name it.
        let id = self.add(Content::Sequence(Vec::new()), start, end);
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, id);
        }
        let content = match self.kind()? {
            Kind::BlockEntry if indentless => self.indentless_sequence()?,
            Kind::Scalar { .. } => {
                let Kind::Scalar { text, plain } = self.scanner.next()?.kind else { unreachable!("just matched") };
                let plain = plain && tag.is_empty() || tag == "!";
                Content::Scalar { text, tag, plain }
            }
            Kind::FlowSequenceStart => self.flow_sequence()?,
            Kind::FlowMappingStart => self.flow_mapping()?,
            Kind::BlockSequenceStart if block => self.block_sequence()?,
            Kind::BlockMappingStart if block => self.block_mapping()?,
            _ if has_properties => {
                let plain = tag.is_empty();
                Content::Scalar { text: String::new(), tag, plain }
            }
            _ => return fault(Some(start), "did not find expected node content", content_start),
        };
        if !matches!(content, Content::Scalar { .. }) {
            let end = self.closed.take().unwrap_or_else(|| self.last_end(&content, end));
            self.nodes[id].end = end;
        }
        self.nodes[id].content = content;
        Ok(id)
    }

    /// Where a block collection ends: with its last child.
    fn last_end(&self, content: &Content, own: Mark) -> Mark {
        let last = match content {
            Content::Sequence(items) => items.last().copied(),
            Content::Mapping(pairs) => pairs.last().map(|(_, value)| *value),
            _ => None,
        };
        last.map(|id| self.nodes[id].end).filter(|end| end.byte > own.byte).unwrap_or(own)
    }

    /// Anchor and tag before a node.
    fn properties(&mut self, start: Mark) -> Result<(Option<String>, String), Wrong> {
        let (mut anchor, mut tag) = (None, None);
        loop {
            match self.kind()? {
                Kind::Anchor(_) if anchor.is_none() => {
                    let Kind::Anchor(name) = self.scanner.next()?.kind else { unreachable!("just matched") };
                    anchor = Some(name);
                }
                Kind::Tag { .. } if tag.is_none() => tag = Some(self.scanner.next()?),
                _ => break,
            }
        }
        let tag = match tag {
            Some(Token { kind: Kind::Tag { handle, suffix }, start: at, .. }) => {
                if handle.is_empty() {
                    suffix
                } else {
                    match self.tag_directives.iter().find(|(h, _)| *h == handle) {
                        Some((_, prefix)) => format!("{prefix}{suffix}"),
                        None => return fault(Some(start), "found undefined tag handle", at),
                    }
                }
            }
            _ => String::new(),
        };
        Ok((anchor, tag))
    }

    fn block_sequence(&mut self) -> Result<Content, Wrong> {
        let context = self.scanner.next()?.start;
        let mut items = Vec::new();
        loop {
            if let Some(entry) = self.take(&Kind::BlockEntry)? {
                items.push(match self.kind()? {
                    Kind::BlockEntry | Kind::BlockEnd => self.empty(entry.end),
                    _ => self.node(true, false)?,
                });
            } else if self.take(&Kind::BlockEnd)?.is_some() {
                return Ok(Content::Sequence(items));
            } else {
                let at = self.scanner.peek()?.start;
                return fault(Some(context), "did not find expected '-' indicator", at);
            }
        }
    }

    fn indentless_sequence(&mut self) -> Result<Content, Wrong> {
        let mut items = Vec::new();
        while let Some(entry) = self.take(&Kind::BlockEntry)? {
            items.push(match self.kind()? {
                Kind::BlockEntry | Kind::Key | Kind::Value | Kind::BlockEnd => self.empty(entry.end),
                _ => self.node(true, false)?,
            });
        }
        Ok(Content::Sequence(items))
    }

    fn block_mapping(&mut self) -> Result<Content, Wrong> {
        let context = self.scanner.next()?.start;
        let mut pairs = Vec::new();
        loop {
            if let Some(token) = self.take(&Kind::Key)? {
                let key = self.block_part(token.end)?;
                let value = match self.take(&Kind::Value)? {
                    Some(token) => self.block_part(token.end)?,
                    None => {
                        let at = self.scanner.peek()?.start;
                        self.empty(at)
                    }
                };
                pairs.push((key, value));
            } else if self.take(&Kind::BlockEnd)?.is_some() {
                return Ok(Content::Mapping(pairs));
            } else {
                let at = self.scanner.peek()?.start;
                return fault(Some(context), "did not find expected key", at);
            }
        }
    }

    /// A key or a value of a block mapping; nothing there is an empty scalar at `mark`.
    fn block_part(&mut self, mark: Mark) -> Result<Id, Wrong> {
        match self.kind()? {
            Kind::Key | Kind::Value | Kind::BlockEnd => Ok(self.empty(mark)),
            _ => self.node(true, true),
        }
    }

    fn flow_sequence(&mut self) -> Result<Content, Wrong> {
        let context = self.scanner.next()?.start;
        let mut items = Vec::new();
        let mut first = true;
        while *self.kind()? != Kind::FlowSequenceEnd {
            if !first && self.take(&Kind::FlowEntry)?.is_none() {
                let at = self.scanner.peek()?.start;
                return fault(Some(context), "did not find expected ',' or ']'", at);
            }
            first = false;
            match self.kind()? {
                Kind::FlowSequenceEnd => break,
                Kind::Key => items.push(self.single_pair()?),
                _ => items.push(self.node(false, false)?),
            }
        }
        self.closed = Some(self.scanner.next()?.end);
        Ok(Content::Sequence(items))
    }

    /// `[a: b]`: a mapping of one pair.
    fn single_pair(&mut self) -> Result<Id, Wrong> {
        let start = self.scanner.next()?.start;
        let id = self.add(Content::Sequence(Vec::new()), start, start);
        let key = match self.kind()? {
            Kind::Value | Kind::FlowEntry | Kind::FlowSequenceEnd => {
                let mark = self.scanner.next()?.end;
                self.empty(mark)
            }
            _ => self.node(false, false)?,
        };
        let value = self.flow_value(&Kind::FlowSequenceEnd)?;
        self.nodes[id].content = Content::Mapping(vec![(key, value)]);
        self.nodes[id].end = self.nodes[value].end;
        Ok(id)
    }

    fn flow_mapping(&mut self) -> Result<Content, Wrong> {
        let context = self.scanner.next()?.start;
        let mut pairs = Vec::new();
        let mut first = true;
        while *self.kind()? != Kind::FlowMappingEnd {
            if !first && self.take(&Kind::FlowEntry)?.is_none() {
                let at = self.scanner.peek()?.start;
                return fault(Some(context), "did not find expected ',' or '}'", at);
            }
            first = false;
            if self.take(&Kind::Key)?.is_some() {
                let at = self.scanner.peek()?.start;
                let key = match self.kind()? {
                    Kind::Value | Kind::FlowEntry | Kind::FlowMappingEnd => self.empty(at),
                    _ => self.node(false, false)?,
                };
                let value = self.flow_value(&Kind::FlowMappingEnd)?;
                pairs.push((key, value));
            } else if *self.kind()? != Kind::FlowMappingEnd {
                let key = self.node(false, false)?;
                let at = self.scanner.peek()?.start;
                let value = self.empty(at);
                pairs.push((key, value));
            }
        }
        self.closed = Some(self.scanner.next()?.end);
        Ok(Content::Mapping(pairs))
    }

    /// What follows a key in flow style, if anything does.
    fn flow_value(&mut self, end: &Kind) -> Result<Id, Wrong> {
        if self.take(&Kind::Value)?.is_some() {
            let kind = self.kind()?;
            if *kind != Kind::FlowEntry && kind != end {
                return self.node(false, false);
            }
        }
        let at = self.scanner.peek()?.start;
        Ok(self.empty(at))
    }
}
