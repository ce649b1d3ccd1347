//! Which directory two others have in common above them.
//!
//! A tree may be as deep as it has directories, and each of them may have a file with names all over
//! the tree. So nobody climbs step by step: beside the directory above it, each knows one far above,
//! as far as the binary digits of its depth allow (a skew-binary list, by Myers), and any two meet
//! after a number of steps that grows with the logarithm of the depth.

/// The directories of a tree, by numbers; what a directory lies in has a smaller number than it.
pub struct Ancestry {
    nodes: Vec<Node>,
}

#[derive(Clone, Copy)]
struct Node {
    above: usize,
    far_above: usize,
    depth: usize,
}

impl Ancestry {
    /// Of directories of which each says what it lies in. The first is the top, whatever it says.
    pub fn new(above: impl Iterator<Item = usize>) -> Self {
        let mut nodes = vec![Node { above: 0, far_above: 0, depth: 0 }];
        for above in above.skip(1) {
            let one = nodes[above];
            let two: Node = nodes[one.far_above];
            let three = nodes[two.far_above];
            let is_even = one.depth - two.depth == two.depth - three.depth;
            let far_above = if is_even { two.far_above } else { above };
            nodes.push(Node { above, far_above, depth: one.depth + 1 });
        }
        Self { nodes }
    }

    /// How many levels a directory is below the top.
    pub fn depth(&self, place: usize) -> usize {
        self.nodes[place].depth
    }

    /// The lowest directory that both lie in, or that is one of them.
    pub fn common(&self, one: usize, other: usize) -> usize {
        let depth = self.depth(one).min(self.depth(other));
        let (mut one, mut other) = (self.ascend(one, depth), self.ascend(other, depth));
        // Those of equal depth have others of equal depth far above them.
        while one != other {
            let (left, right) = (self.nodes[one], self.nodes[other]);
            (one, other) = match left.far_above == right.far_above {
                true => (left.above, right.above),
                false => (left.far_above, right.far_above),
            };
        }
        one
    }

    fn ascend(&self, mut place: usize, depth: usize) -> usize {
        while self.depth(place) > depth {
            let node = self.nodes[place];
            place = match self.depth(node.far_above) < depth {
                true => node.above,
                false => node.far_above,
            };
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Step by step: the greater number lies lower, or beside.
    fn climb(above: &[usize], mut one: usize, mut other: usize) -> usize {
        while one != other {
            match one > other {
                true => one = above[one],
                false => other = above[other],
            }
        }
        one
    }

    proptest! {
        #[test]
        fn two_meet_where_they_would_by_single_steps(
            picks in vec((any::<prop::sample::Index>(), any::<bool>()), 1..200),
        ) {
            let mut above = vec![0];
            for (pick, goes_deep) in picks {
                above.push(if goes_deep { above.len() - 1 } else { pick.index(above.len()) });
            }
            let ancestry = Ancestry::new(above.iter().copied());
            for one in 0..above.len() {
                for other in (0..above.len()).step_by(7) {
                    prop_assert_eq!(ancestry.common(one, other), climb(&above, one, other));
                }
            }
        }
    }

    #[test]
    fn a_way_to_the_top_of_a_deep_tree_is_short() {
        let ancestry = Ancestry::new((0..1_000_000usize).map(|place| place.saturating_sub(1)));
        let (mut place, mut steps) = (999_999, 0);
        while place > 0 {
            let node = ancestry.nodes[place];
            place = if ancestry.depth(node.far_above) == 0 { 0 } else { node.far_above };
            steps += 1;
        }
        assert!(steps < 64, "{steps}");
    }
}
