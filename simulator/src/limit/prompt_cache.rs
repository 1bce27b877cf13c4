//! A deployment's prompt cache: which beginnings of prompts it has lately read.
//!
//! A prompt is known by a chain of hashes, one for each whole block of 128
//! tokens, each covering all blocks before it too. So the longest cached prefix
//! is the number of links from the start that are still there. Below 1,024
//! tokens nothing counts as cached. Unused blocks expire after 5 to 10 minutes,
//! the least recently used ones earlier when the cache is full (specification,
//! section 4.2; sizes documented, the rest proposed there).

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::config::PromptCacheSettings;

/// Prefixes read lately.
#[derive(Debug)]
pub(crate) struct PromptCache {
    settings: PromptCacheSettings,
    blocks: HashMap<u64, Block>,
    /// Every use of a block, oldest first. One that a later use of the same
    /// block has made void is skipped.
    uses: VecDeque<(u64, u64)>,
    use_number: u64,
}

#[derive(Debug, Clone, Copy)]
struct Block {
    /// When it has been read for the first time and can be used.
    ready: Instant,
    expires: Instant,
    /// The number of its last use.
    used: u64,
}

impl PromptCache {
    pub(crate) fn new(settings: PromptCacheSettings) -> Self {
        Self { settings, blocks: HashMap::new(), uses: VecDeque::new(), use_number: 0 }
    }

    /// How many tokens of a prompt are cached now.
    pub(crate) fn cached_tokens(&self, now: Instant, prefix: &[u64]) -> u64 {
        let alive = |hash: &&u64| {
            self.blocks.get(hash).is_some_and(|block| block.ready <= now && now < block.expires)
        };
        let blocks = prefix.iter().take_while(alive).count() as u64;
        let tokens = blocks.saturating_mul(self.settings.block_tokens);
        if tokens < self.settings.min_tokens { 0 } else { tokens }
    }

    /// A prompt is used now; what of it is new can be used from `ready` on.
    pub(crate) fn touch(&mut self, now: Instant, ready: Instant, prefix: &[u64]) {
        let tokens = (prefix.len() as u64).saturating_mul(self.settings.block_tokens);
        if tokens < self.settings.min_tokens {
            return;
        }
        let expires = now + self.lifetime(prefix);
        // From the end, so that a full cache loses ends before beginnings.
        for &hash in prefix.iter().rev() {
            self.use_number += 1;
            let used = self.use_number;
            let kept = self.blocks.get(&hash).filter(|block| now < block.expires);
            let ready = kept.map_or(ready, |block| block.ready.min(ready));
            self.blocks.insert(hash, Block { ready, expires, used });
            self.uses.push_back((hash, used));
        }
        self.evict(now);
    }

    /// Between the least and the longest lifetime, by the prompt's beginning: the
    /// blocks of one prompt go together.
    fn lifetime(&self, prefix: &[u64]) -> Duration {
        let (least, most) = (self.settings.min_lifetime, self.settings.max_lifetime);
        let root = prefix.first().copied().unwrap_or_default();
        let share = (root >> 40) as f64 / (1_u64 << 24) as f64;
        least + most.saturating_sub(least).mul_f64(share)
    }

    /// Drops what is expired or too much. Each use is looked at once: constant
    /// time amortised.
    fn evict(&mut self, now: Instant) {
        while let Some(&(hash, used)) = self.uses.front() {
            let present = self.blocks.get(&hash).filter(|block| block.used == used);
            let void = present.is_none();
            let expired = present.is_some_and(|block| block.expires <= now);
            let too_much = self.settings.capacity_blocks < self.blocks.len();
            if !(void || expired || too_much) {
                break;
            }
            if !void {
                self.blocks.remove(&hash);
            }
            self.uses.pop_front();
        }
        // Behind a long-lived block void uses could pile up.
        if self.settings.capacity_blocks.saturating_mul(4) < self.uses.len() {
            let blocks = &self.blocks;
            self.uses
                .retain(|(hash, used)| blocks.get(hash).is_some_and(|block| block.used == *used));
        }
    }

    #[cfg(test)]
    fn sizes(&self) -> (usize, usize) {
        (self.blocks.len(), self.uses.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn settings(capacity_blocks: usize) -> PromptCacheSettings {
        PromptCacheSettings {
            min_tokens: 1_024,
            block_tokens: 128,
            capacity_blocks,
            min_lifetime: Duration::from_secs(300),
            max_lifetime: Duration::from_secs(600),
        }
    }

    /// A chain of blocks: `shared` that all families have, then the family's own.
    fn chain(family: u64, shared: u64, blocks: u64) -> Vec<u64> {
        (0..blocks)
            .map(|at| {
                let owner = if at < shared { 0 } else { family };
                (owner << 32 | at).wrapping_mul(0x9e37_79b9_7f4a_7c15)
            })
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn whole_blocks_from_1024_tokens_on_once_they_were_read() {
        let mut cache = PromptCache::new(settings(1_000));
        let now = Instant::now();
        let ready = now + Duration::from_secs(1);
        cache.touch(now, ready, &chain(1, 0, 7));
        assert_eq!(cache.cached_tokens(ready, &chain(1, 0, 7)), 0, "896 tokens are too few");
        cache.touch(now, ready, &chain(1, 0, 10));
        assert_eq!(cache.cached_tokens(now, &chain(1, 0, 10)), 0, "not read yet");
        for (blocks, expected) in [(7, 0), (8, 1_024), (9, 1_152), (10, 1_280), (30, 1_280)] {
            assert_eq!(cache.cached_tokens(ready, &chain(1, 0, blocks)), expected);
        }
        assert_eq!(cache.cached_tokens(ready, &chain(2, 0, 10)), 0, "another prompt");
        cache.touch(ready, ready, &chain(1, 8, 10));
        assert_eq!(cache.cached_tokens(ready, &chain(1, 8, 10)), 1_280);
        assert_eq!(cache.cached_tokens(ready, &chain(2, 8, 10)), 1_024, "the shared part");
    }

    #[tokio::test(start_paused = true)]
    async fn unused_blocks_expire_within_five_to_ten_minutes_and_uses_renew_them() {
        let mut cache = PromptCache::new(settings(1_000));
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let prompt = chain(3, 0, 8);
        cache.touch(start, start, &prompt);
        assert_eq!(cache.cached_tokens(at(299), &prompt), 1_024);
        assert_eq!(cache.cached_tokens(at(600), &prompt), 0);
        cache.touch(at(299), at(299), &prompt);
        assert_eq!(cache.cached_tokens(at(598), &prompt), 1_024);
        assert_eq!(cache.cached_tokens(at(899), &prompt), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn the_least_recently_used_leaves_first_and_nothing_grows() {
        let mut cache = PromptCache::new(settings(24));
        let now = Instant::now();
        for family in 1..=3 {
            cache.touch(now, now, &chain(family, 0, 8));
        }
        cache.touch(now, now, &chain(1, 0, 8));
        cache.touch(now, now, &chain(4, 0, 8));
        let cached = |cache: &PromptCache, family| cache.cached_tokens(now, &chain(family, 0, 8));
        assert_eq!([1, 2, 3, 4].map(|family| cached(&cache, family)), [1_024, 0, 1_024, 1_024]);
        for _ in 0..10_000 {
            cache.touch(now, now, &chain(1, 0, 8));
        }
        let (blocks, uses) = cache.sizes();
        assert!(blocks <= 24 && uses <= 4 * 24 + 8, "{blocks} blocks, {uses} uses");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Against a list of uses that is searched anew each time.
        #[test]
        fn agrees_with_a_model_that_keeps_everything(
            steps in prop::collection::vec((0_u64..200, 1_u64..5, 0_u64..12, 6_u64..16), 1..60),
        ) {
            const CAPACITY: usize = 40;
            let mut cache = PromptCache::new(settings(CAPACITY));
            let start = Instant::now();
            // Blocks in order of use: hash, ready, expires.
            let mut model: Vec<(u64, Instant, Instant)> = Vec::new();
            let mut at = 0;
            for (pause, family, shared, blocks) in steps {
                at += pause;
                let now = start + Duration::from_secs(at);
                let prompt = chain(family, shared, blocks);
                let alive = |hash: &u64| {
                    model.iter().any(|(h, ready, expires)| {
                        h == hash && *ready <= now && now < *expires
                    })
                };
                let run = prompt.iter().take_while(|hash| alive(hash)).count() as u64 * 128;
                let expected = if run < 1_024 { 0 } else { run };
                prop_assert_eq!(cache.cached_tokens(now, &prompt), expected);
                let ready = now + Duration::from_secs(2);
                cache.touch(now, ready, &prompt);
                if 8 <= blocks {
                    let expires = now + cache.lifetime(&prompt);
                    for hash in prompt.iter().rev() {
                        let found = model.iter().position(|(h, ..)| h == hash);
                        let old = found.map(|index| model.remove(index));
                        let ready = old
                            .filter(|(_, _, expires)| now < *expires)
                            .map_or(ready, |(_, before, _)| before.min(ready));
                        model.push((*hash, ready, expires));
                    }
                    while CAPACITY < model.len() {
                        model.remove(0);
                    }
                }
            }
        }
    }
}
