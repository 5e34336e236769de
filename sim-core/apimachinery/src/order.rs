//! Sorting in little code: what [`slice::sort_by`] does, by one merge sort that is not compiled anew for each type.
//!
//! The standard library's sort costs four kilobytes of WebAssembly per element type; this costs a hundred bytes. It sorts
//! positions behind a `dyn` comparison, then moves the elements into place.
//!
//! The standard library's way to collect into a map is the same sort, compiled once more for every place that collects;
//! [`Gather`] inserts one after the other instead.
//!
//! Invariant: every order made here is stable. Not for hot loops over scalars.

use core::cmp::Ordering;

/// `sort`, `sort_by` and `sort_by_key` of slices, small. Named apart so that they cannot be taken for one another.
pub trait Order<T> {
    fn order(&mut self)
    where
        T: Ord;
    fn order_by(&mut self, compare: impl FnMut(&T, &T) -> Ordering);
    fn order_by_key<K: Ord>(&mut self, key: impl FnMut(&T) -> K);
}

impl<T> Order<T> for [T] {
    fn order(&mut self)
    where
        T: Ord,
    {
        self.order_by(T::cmp);
    }
    fn order_by(&mut self, mut compare: impl FnMut(&T, &T) -> Ordering) {
        let places = sorted(self.len(), &mut |a, b| compare(&self[a], &self[b]).is_gt());
        put(places, &mut |a, b| self.swap(a, b));
    }
    fn order_by_key<K: Ord>(&mut self, mut key: impl FnMut(&T) -> K) {
        self.order_by(|a, b| key(a).cmp(&key(b)));
    }
}

/// `collect` for maps and sets, small.
pub trait Gather: Iterator + Sized {
    fn gather<C: Default + Extend<Self::Item>>(self) -> C {
        let mut out = C::default();
        out.extend(self);
        out
    }
}

impl<I: Iterator> Gather for I {}

/// The positions `0..len` in order: neighbouring runs are merged, twice as long each round. Runs that already follow one
/// another are left, so what is sorted already costs `len` comparisons in all.
fn sorted(len: usize, greater: &mut dyn FnMut(usize, usize) -> bool) -> Vec<usize> {
    let mut from: Vec<usize> = (0..len).collect();
    let mut into = Vec::with_capacity(len);
    let mut width = 1;
    while width < len {
        for pair in from.chunks(2 * width) {
            let (mut left, mut right) = pair.split_at(width.min(pair.len()));
            if let (Some(&l), Some(&r)) = (left.last(), right.first())
                && !greater(l, r)
            {
                into.extend_from_slice(pair);
                continue;
            }
            while let (Some(&l), Some(&r)) = (left.first(), right.first()) {
                // Only what is truly smaller overtakes: equal elements keep their order.
                if greater(l, r) {
                    into.push(r);
                    right = &right[1..];
                } else {
                    into.push(l);
                    left = &left[1..];
                }
            }
            into.extend_from_slice(left);
            into.extend_from_slice(right);
        }
        core::mem::swap(&mut from, &mut into);
        into.clear();
        width *= 2;
    }
    from
}

/// Moves the elements to where `places` wants them, one cycle of the permutation after another.
fn put(mut places: Vec<usize>, swap: &mut dyn FnMut(usize, usize)) {
    for start in 0..places.len() {
        let mut at = start;
        loop {
            let source = core::mem::replace(&mut places[at], at);
            if source == start {
                break;
            }
            swap(at, source);
            at = source;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Order;

    /// Every length up to 40, many values equal: the same as the standard library's stable sort.
    #[test]
    fn as_the_standard_sort() {
        let mut x = 7u64;
        for len in 0..40 {
            let mut items: Vec<(u64, usize)> = Vec::new();
            for at in 0..len {
                x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                items.push(((x >> 40) % 9, at));
            }
            let mut expected = items.clone();
            expected.sort_by_key(|(key, _)| *key);
            items.order_by_key(|(key, _)| *key);
            assert_eq!(items, expected);
            expected.sort_by(|a, b| b.cmp(a));
            items.order_by(|a, b| b.cmp(a));
            assert_eq!(items, expected);
            expected.sort();
            items.order();
            assert_eq!(items, expected);
        }
    }
}
