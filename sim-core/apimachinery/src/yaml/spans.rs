//! Where the nodes of a document stand, for an editor.

use super::Position;
use super::compose::{Content, Id, Tree, compose};
use super::scanner::Mark;

/// Where a node of a document stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// JSON pointer of the node: `/spec/containers/0/image`.
    pub pointer: String,
    /// Where its key stands, if it has one.
    pub key: Option<Position>,
    pub start: Position,
    pub end: Position,
}

/// Where every node of one YAML document stands, parents first; empty if the text does not parse. What an alias stands
/// for is not repeated.
pub fn spans(text: &str) -> Vec<Span> {
    let Ok(tree) = compose(text) else { return Vec::new() };
    let mut out = Vec::new();
    if let Some(root) = tree.root {
        walk(&tree, root, String::new(), None, &mut out);
    }
    out
}

fn position(mark: Mark) -> Position {
    Position { line: mark.line, column: mark.column }
}

/// Depth is bounded by the composer's.
fn walk(tree: &Tree, id: Id, pointer: String, key: Option<Position>, out: &mut Vec<Span>) {
    let node = &tree.nodes[id];
    out.push(Span { pointer: pointer.clone(), key, start: position(node.start), end: position(node.end) });
    match &node.content {
        Content::Scalar { .. } | Content::Alias { .. } => {}
        Content::Sequence(items) => {
            for (i, item) in items.iter().enumerate() {
                walk(tree, *item, format!("{pointer}/{i}"), None, out);
            }
        }
        Content::Mapping(pairs) => {
            for (key, value) in pairs {
                let key_node = &tree.nodes[*key];
                if let Content::Scalar { text, .. } = &key_node.content {
                    let name = text.replace('~', "~0").replace('/', "~1");
                    walk(tree, *value, format!("{pointer}/{name}"), Some(position(key_node.start)), out);
                }
            }
        }
    }
}
