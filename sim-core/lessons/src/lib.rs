//! Lessons beyond their text: where checks of a learner's cluster ("three pods are ready") will stand.
//!
//! Nothing is here yet. A lesson's text is two markdown files in `static/lessons/`, read by the page.
