//! When each token of an answer is due, as time after the request's arrival.

use std::time::Duration;

/// One request's deadlines. Absolute (all measured from the arrival), so that
/// a late timer does not delay what follows it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Schedule {
    /// Per choice: when each visible token is due; never decreasing.
    choices: Vec<Vec<Duration>>,
    /// When making tokens begins, hidden ones too.
    begin: Duration,
    /// When the first byte is due.
    first: Duration,
    /// When the whole is due.
    end: Duration,
    /// Tokens made before the first visible one, in all choices.
    hidden: u64,
}

impl Schedule {
    pub(crate) fn new(choices: Vec<Vec<Duration>>, first: Duration, hidden: u64) -> Self {
        let last = choices.iter().filter_map(|choice| choice.last()).max().copied();
        Self { choices, begin: first, first, end: last.unwrap_or(first).max(first), hidden }
    }

    /// With tokens made before the first visible one, from this moment on.
    pub(crate) fn beginning(self, begin: Duration) -> Self {
        Self { begin: begin.min(self.first), ..self }
    }

    /// When making tokens begins: before the first visible one, where a model thinks.
    pub(crate) fn begin(&self) -> Duration {
        self.begin
    }

    /// How many tokens each choice shows.
    pub(crate) fn tokens(&self) -> Vec<usize> {
        self.choices.iter().map(Vec::len).collect()
    }

    /// The same answer released in groups, each when its last token is made. The
    /// first token leaves alone, so neither it nor the end moves. `size` draws how
    /// many tokens the next group has.
    pub(crate) fn in_groups(&self, mut size: impl FnMut() -> usize) -> Self {
        let release = |tokens: &Vec<Duration>| {
            let mut released: Vec<Duration> = tokens.iter().take(1).copied().collect();
            while released.len() < tokens.len() {
                let end = released.len().saturating_add(size().max(1)).min(tokens.len());
                let due = tokens.get(end - 1).copied().unwrap_or(self.end);
                released.resize(end, due);
            }
            released
        };
        Self { choices: self.choices.iter().map(release).collect(), ..self.clone() }
    }

    /// When the first byte of a stream is due.
    pub(crate) fn first(&self) -> Duration {
        self.first
    }

    /// When the last token, or the answer as one, is due.
    pub(crate) fn end(&self) -> Duration {
        self.end
    }

    /// When token `index` of `choice` is due.
    pub(crate) fn token(&self, choice: usize, index: usize) -> Duration {
        self.choices.get(choice).and_then(|tokens| tokens.get(index)).copied().unwrap_or(self.end)
    }

    /// How many tokens are made by a time after the arrival: what a cancelled
    /// request has cost.
    pub(crate) fn produced(&self, elapsed: Duration) -> u64 {
        if elapsed < self.first {
            return 0;
        }
        let visible: usize =
            self.choices.iter().map(|tokens| tokens.partition_point(|due| *due <= elapsed)).sum();
        self.hidden + visible as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_move_neither_the_first_token_nor_the_end() {
        let ms = Duration::from_millis;
        let tokens = (1..=7).map(|n| ms(10 * n)).collect();
        let released = Schedule::new(vec![tokens, vec![]], ms(10), 0).in_groups(|| 3);
        let due: Vec<u128> = (0..7).map(|n| released.token(0, n).as_millis()).collect();
        assert_eq!(due, [10, 40, 40, 40, 70, 70, 70]);
        assert_eq!((released.first(), released.end()), (ms(10), ms(70)));
    }

    #[test]
    fn counts_what_is_made_by_a_time() {
        let ms = Duration::from_millis;
        let schedule = Schedule::new(
            vec![vec![ms(100), ms(110), ms(120)], vec![ms(100), ms(150)]],
            ms(100),
            4,
        );
        assert_eq!(schedule.end(), ms(150));
        assert_eq!(schedule.produced(ms(99)), 0);
        assert_eq!(schedule.produced(ms(100)), 6);
        assert_eq!(schedule.produced(ms(115)), 7);
        assert_eq!(schedule.produced(ms(1_000)), 9);
        assert_eq!(Schedule::new(vec![], ms(7), 0).end(), ms(7));
    }
}
