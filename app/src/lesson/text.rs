//! A lesson's text as data: markdown read into steps, blocks and inlines. Pure, and the only way lesson text becomes a
//! view: there is no path by which it could carry markup or script into the page.
//!
//! The first-level heading names the lesson; each second-level heading begins a step. In a `sh` block each line is a
//! command to type (`$ ` before it is allowed); a block whose info string also names a file (`yaml pod.yaml`) can be
//! saved as that file.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Lesson {
    pub(crate) title: String,
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Step {
    pub(crate) title: String,
    pub(crate) blocks: Vec<Block>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Block {
    Heading(Vec<Inline>),
    Paragraph(Vec<Inline>),
    List {
        ordered: bool,
        items: Vec<Vec<Block>>,
    },
    Quote(Vec<Block>),
    /// Commands to type, one each.
    Commands(Vec<String>),
    Code {
        language: String,
        file: Option<String>,
        text: String,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Inline {
    Text(String),
    Code(String),
    Emphasis(Vec<Inline>),
    Strong(Vec<Inline>),
    /// Leads to another site, in a new tab. Links of any other kind become plain text.
    Link {
        to: String,
        inside: Vec<Inline>,
    },
    Break,
}

pub(crate) fn parse(markdown: &str) -> Lesson {
    let mut reader = Reader { events: Parser::new_ext(markdown, Options::empty()) };
    let mut lesson = Lesson::default();
    while let Some(event) = reader.events.next() {
        match event {
            Event::Start(Tag::Heading { level: HeadingLevel::H1, .. }) => lesson.title = plain(&reader.inlines()),
            Event::Start(Tag::Heading { level: HeadingLevel::H2, .. }) => {
                lesson.steps.push(Step { title: plain(&reader.inlines()), blocks: Vec::new() });
            }
            event => {
                if lesson.steps.is_empty() {
                    lesson.steps.push(Step::default());
                }
                if let (Some(step), Some(block)) = (lesson.steps.last_mut(), reader.block(event)) {
                    step.blocks.push(block);
                }
            }
        }
    }
    lesson.steps.retain(|s| !s.title.is_empty() || !s.blocks.is_empty());
    lesson
}

struct Reader<'a> {
    events: Parser<'a>,
}

impl Reader<'_> {
    fn block(&mut self, event: Event<'_>) -> Option<Block> {
        match event {
            Event::Start(Tag::Heading { .. }) => Some(Block::Heading(self.inlines())),
            Event::Start(Tag::Paragraph) => Some(Block::Paragraph(self.inlines())),
            Event::Start(Tag::List(first)) => Some(Block::List { ordered: first.is_some(), items: self.items() }),
            Event::Start(Tag::BlockQuote(_)) => Some(Block::Quote(self.blocks())),
            Event::Start(Tag::CodeBlock(kind)) => {
                let info = match kind {
                    CodeBlockKind::Fenced(info) => info.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                Some(code(&info, &self.raw()))
            }
            // Text directly in a list's item.
            Event::Text(text) => Some(Block::Paragraph(vec![Inline::Text(text.to_string())])),
            Event::Code(text) => Some(Block::Paragraph(vec![Inline::Code(text.to_string())])),
            Event::Start(Tag::HtmlBlock) => {
                self.raw();
                None
            }
            _ => None,
        }
    }

    /// Blocks up to the end of what was begun.
    fn blocks(&mut self) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        while let Some(event) = self.events.next() {
            match event {
                Event::End(_) => break,
                // A tight list has inlines without a paragraph around them.
                event @ (Event::Text(_)
                | Event::Code(_)
                | Event::SoftBreak
                | Event::HardBreak
                | Event::Start(Tag::Emphasis | Tag::Strong | Tag::Link { .. })) => {
                    let inline = self.inline(event);
                    match blocks.last_mut() {
                        Some(Block::Paragraph(inlines)) => inlines.extend(inline),
                        _ => blocks.push(Block::Paragraph(inline.into_iter().collect())),
                    }
                }
                event => blocks.extend(self.block(event)),
            }
        }
        blocks
    }

    fn items(&mut self) -> Vec<Vec<Block>> {
        let mut items = Vec::new();
        while let Some(event) = self.events.next() {
            match event {
                Event::Start(Tag::Item) => items.push(self.blocks()),
                Event::End(TagEnd::List(_)) => break,
                _ => {}
            }
        }
        items
    }

    /// Inlines up to the end of what was begun.
    fn inlines(&mut self) -> Vec<Inline> {
        let mut inlines = Vec::new();
        while let Some(event) = self.events.next() {
            if matches!(event, Event::End(_)) {
                break;
            }
            inlines.extend(self.inline(event));
        }
        inlines
    }

    fn inline(&mut self, event: Event<'_>) -> Option<Inline> {
        match event {
            Event::Text(text) => Some(Inline::Text(text.to_string())),
            Event::Code(text) => Some(Inline::Code(text.to_string())),
            Event::SoftBreak => Some(Inline::Text(" ".to_owned())),
            Event::HardBreak => Some(Inline::Break),
            Event::Start(Tag::Emphasis) => Some(Inline::Emphasis(self.inlines())),
            Event::Start(Tag::Strong) => Some(Inline::Strong(self.inlines())),
            Event::Start(Tag::Link { dest_url, .. }) => {
                let inside = self.inlines();
                let to = dest_url.to_string();
                if to.starts_with("https://") || to.starts_with("http://") {
                    Some(Inline::Link { to, inside })
                } else {
                    Some(Inline::Text(plain(&inside)))
                }
            }
            Event::Start(Tag::Image { .. }) => Some(Inline::Text(plain(&self.inlines()))),
            // Raw HTML is not interpreted: what it says is left out.
            _ => None,
        }
    }

    /// The text up to the end of what was begun.
    fn raw(&mut self) -> String {
        let mut out = String::new();
        for event in self.events.by_ref() {
            match event {
                Event::End(_) => break,
                Event::Text(text) => out.push_str(&text),
                _ => {}
            }
        }
        out
    }
}

fn code(info: &str, text: &str) -> Block {
    let mut words = info.split_whitespace();
    let language = words.next().unwrap_or_default().to_owned();
    let file = words.next().map(str::to_owned);
    if language == "sh" && file.is_none() {
        let commands = text.lines().map(|l| l.strip_prefix("$ ").unwrap_or(l).trim_end().to_owned());
        return Block::Commands(commands.filter(|l| !l.is_empty()).collect());
    }
    Block::Code { language, file, text: text.trim_end_matches('\n').to_owned() }
}

/// The words alone.
pub(crate) fn plain(inlines: &[Inline]) -> String {
    inlines
        .iter()
        .map(|inline| match inline {
            Inline::Text(text) | Inline::Code(text) => text.clone(),
            Inline::Emphasis(inside) | Inline::Strong(inside) | Inline::Link { inside, .. } => plain(inside),
            Inline::Break => " ".to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Block, Inline, parse};

    fn text(t: &str) -> Inline {
        Inline::Text(t.to_owned())
    }

    #[test]
    fn headings_make_steps() {
        let lesson = parse("# Pods\n\nhello\n\n## One\n\na\n\n## Two\n\n### inside\n\nb");
        let titles: Vec<_> = lesson.steps.iter().map(|s| (s.title.as_str(), s.blocks.len())).collect();
        assert_eq!(lesson.title, "Pods");
        assert_eq!(titles, [("", 1), ("One", 1), ("Two", 2)]);
    }

    #[test]
    fn blocks_are_read_as_data() {
        let cases = [
            (
                "a *b* `c`",
                Block::Paragraph(vec![
                    text("a "),
                    Inline::Emphasis(vec![text("b")]),
                    text(" "),
                    Inline::Code("c".to_owned()),
                ]),
            ),
            ("```sh\n$ kubectl get po\nls\n```", Block::Commands(vec!["kubectl get po".to_owned(), "ls".to_owned()])),
            (
                "```yaml pod.yaml\na: 1\n```",
                Block::Code { language: "yaml".to_owned(), file: Some("pod.yaml".to_owned()), text: "a: 1".to_owned() },
            ),
            (
                "- **a** b\n- c",
                Block::List {
                    ordered: false,
                    items: vec![
                        vec![Block::Paragraph(vec![Inline::Strong(vec![text("a")]), text(" b")])],
                        vec![Block::Paragraph(vec![text("c")])],
                    ],
                },
            ),
        ];
        for (markdown, expected) in cases {
            assert_eq!(parse(markdown).steps[0].blocks, [expected], "{markdown}");
        }
    }

    #[test]
    fn nothing_that_could_run_gets_through() {
        let lesson =
            parse("<script>alert(1)</script>\n\n[x](javascript:alert(1)) <b onclick=y>z</b> ![p](http://evil/p.png)");
        let shown = format!("{lesson:?}");
        for bad in ["script", "onclick", "evil", "Link"] {
            assert!(!shown.contains(bad), "{bad}: {shown}");
        }
    }
}
