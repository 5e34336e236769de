//! The one door, HTTP-shaped.
pub struct NodeRequest;
pub enum Outcome {
    Done,
    Node(NodeRequest),
}
