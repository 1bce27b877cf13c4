//! What `backend-id` can name, as it runs: backends with their breakers, pools
//! with their turn. No lock is held while a call is under way.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use rand::Rng as _;
use seam::clock::WallClock;
use seam::rng::Seed;
use tokio::time::Instant;

use super::breaker::{Breaker, CallResult, Gate, Reading};
use super::retry_after::retry_after;
use super::selector::Selector;
use crate::config::model::{self, Backend, Model};
use crate::config::settings::{PoolContext, PoolSelection, SessionLost, Settings};
use crate::pipeline::context::BackendInfo;

/// All backends and pools, by id.
pub(crate) struct Routes {
    by_id: BTreeMap<String, Route>,
}

/// A backend or a pool.
#[derive(Clone, Debug)]
pub(crate) enum Route {
    /// A single backend.
    Single(Arc<Single>),
    /// A pool of them.
    Pool(Arc<Pool>),
}

/// A single backend.
#[derive(Debug)]
pub(crate) struct Single {
    pub(crate) backend: Arc<Backend>,
    breaker: Option<Mutex<Breaker>>,
    info: Arc<BackendInfo>,
}

/// A pool.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) id: String,
    members: Vec<Member>,
    selector: Mutex<Selector>,
    selection: PoolSelection,
    /// The session cookie's name.
    cookie: Option<String>,
    session_lost: SessionLost,
    info: Arc<BackendInfo>,
}

#[derive(Debug)]
struct Member {
    single: Arc<Single>,
    /// `context.Backend` once it was called.
    info: Arc<BackendInfo>,
    /// The session cookie's value, and the whole `Set-Cookie`.
    session: Option<(String, HeaderValue)>,
}

/// Where one call goes.
#[derive(Debug)]
pub(crate) struct Choice {
    /// To this backend.
    pub(crate) single: Arc<Single>,
    /// As a member of this pool.
    pub(crate) pool: Option<Arc<Pool>>,
    /// `context.Backend` from now on.
    pub(crate) info: Arc<BackendInfo>,
    /// What the answer's `Set-Cookie` is to say.
    pub(crate) set_cookie: Option<HeaderValue>,
    /// Whether its breaker was open before this call.
    pub(crate) closed_again: bool,
}

impl Routes {
    /// The routes of a configuration, all breakers closed.
    pub(crate) fn new(model: &Model) -> Self {
        let settings = &model.settings;
        let mut by_id: BTreeMap<String, Route> = BTreeMap::new();
        for (id, backend) in &model.backends {
            by_id.insert(id.clone(), Route::Single(Arc::new(Single::new(backend, settings))));
        }
        for (id, pool) in &model.pools {
            // Members are single backends: checked at load.
            let members =
                pool.members.iter().filter_map(|member| match by_id.get(&member.backend.id) {
                    Some(Route::Single(single)) => Some((member, Arc::clone(single))),
                    _ => None,
                });
            let pool = Pool::new(pool, members.collect(), settings);
            by_id.insert(id.clone(), Route::Pool(Arc::new(pool)));
        }
        Self { by_id }
    }

    /// A backend or pool by id.
    pub(crate) fn find(&self, id: &str) -> Option<&Route> {
        self.by_id.get(id)
    }

    /// Each backend that has a breaker, and whether it is open now.
    pub(crate) fn breakers(&self) -> impl Iterator<Item = (&str, bool)> {
        let now = Instant::now();
        self.by_id.iter().filter_map(move |(id, route)| match route {
            Route::Single(single) if single.breaker.is_some() => {
                Some((id.as_str(), single.open_until(now).is_some()))
            }
            _ => None,
        })
    }
}

impl Route {
    /// `context.Backend` after `set-backend-service`.
    pub(crate) fn info(&self) -> &Arc<BackendInfo> {
        match self {
            Self::Single(single) => &single.info,
            Self::Pool(pool) => &pool.info,
        }
    }

    /// Where the next call goes, or when it can be tried again. `draw` gives
    /// uniform bits, if any are needed.
    pub(crate) fn choose(
        &self,
        headers: &HeaderMap,
        draw: impl Fn() -> u64,
    ) -> Result<Choice, Instant> {
        let now = Instant::now();
        match self {
            Self::Single(single) => Ok(Choice {
                closed_again: single.pass(now)?,
                single: Arc::clone(single),
                pool: None,
                info: Arc::clone(&single.info),
                set_cookie: None,
            }),
            Self::Pool(pool) => Pool::choose(pool, now, headers, draw),
        }
    }
}

impl Single {
    fn new(backend: &Arc<Backend>, settings: &Settings) -> Self {
        let reading = Reading {
            minimum_calls: settings.breaker_percentage_minimum_calls,
            interval: settings.breaker_interval,
            late_results: settings.breaker_late_results,
        };
        let breaker = backend.breaker.clone();
        Self {
            backend: Arc::clone(backend),
            breaker: breaker.map(|rule| Mutex::new(Breaker::new(rule, reading))),
            info: Arc::new(BackendInfo {
                id: backend.id.clone(),
                kind: "Single".to_owned(),
                azure_region: backend.azure_region.clone(),
            }),
        }
    }

    fn open_until(&self, now: Instant) -> Option<Instant> {
        self.breaker.as_ref().and_then(|breaker| lock(breaker).open_until(now))
    }

    /// Whether a call that leaves is the first since the breaker was open; the
    /// error is when it closes.
    fn pass(&self, now: Instant) -> Result<bool, Instant> {
        match self.breaker.as_ref().map(|breaker| lock(breaker).pass(now)) {
            None | Some(Gate::Closed) => Ok(false),
            Some(Gate::ClosedAgain) => Ok(true),
            Some(Gate::Open(until)) => Err(until),
        }
    }

    /// A call has a result. Returns when the breaker closes if this opens it.
    pub(crate) fn record(
        &self,
        result: CallResult,
        headers: Option<&HeaderMap>,
        clock: WallClock,
    ) -> Option<Instant> {
        let mut breaker = lock(self.breaker.as_ref()?);
        let now = Instant::now();
        let headers = headers.filter(|_| breaker.accepts_retry_after());
        let wait = headers.and_then(|headers| retry_after(headers, clock.at(now)));
        breaker.record(now, result, wait)
    }
}

impl Pool {
    fn new(pool: &model::Pool, members: Vec<(&model::Member, Arc<Single>)>, s: &Settings) -> Self {
        let selector = Selector::new(members.iter().map(|(own, _)| (own.priority, own.weight)));
        let cookie = pool.session_cookie.clone();
        let attributes = s.pool_session_cookie.attributes();
        let member = |(_, single): (&model::Member, Arc<Single>)| {
            let info = match s.pool_backend_context {
                PoolContext::Member => Arc::clone(&single.info),
                PoolContext::Pool => Arc::new(BackendInfo {
                    id: pool.id.clone(),
                    kind: "Pool".to_owned(),
                    azure_region: single.backend.azure_region.clone(),
                }),
            };
            let session = cookie.as_deref().and_then(|name| {
                let value = session_value(&pool.id, &single.backend.id);
                let header = HeaderValue::try_from(format!("{name}={value}; {attributes}")).ok()?;
                Some((value, header))
            });
            Member { single, info, session }
        };
        Self {
            id: pool.id.clone(),
            members: members.into_iter().map(member).collect(),
            selector: Mutex::new(selector),
            selection: s.pool_selection,
            session_lost: s.pool_session_lost,
            cookie,
            info: Arc::new(BackendInfo {
                id: pool.id.clone(),
                kind: "Pool".to_owned(),
                azure_region: None,
            }),
        }
    }

    fn choose(
        pool: &Arc<Self>,
        now: Instant,
        headers: &HeaderMap,
        draw: impl Fn() -> u64,
    ) -> Result<Choice, Instant> {
        if let Some(member) = pool.member_of_session(headers) {
            match (member.single.pass(now), pool.session_lost) {
                (Ok(closed_again), _) => return Ok(pool.chosen(member, closed_again, None)),
                (Err(until), SessionLost::ServiceUnavailable) => return Err(until),
                (Err(_), SessionLost::Moved) => {}
            }
        }
        let mut selector = lock(&pool.selector);
        // A breaker may open between the look and the pass; then look again.
        for _ in 0..=pool.members.len() {
            let available = |at: usize| {
                let member = pool.members.get(at);
                member.is_some_and(|member| member.single.open_until(now).is_none())
            };
            let chosen = match pool.selection {
                PoolSelection::Smooth => selector.smooth(available),
                PoolSelection::RandomWeighted => selector.random(available, draw()),
            };
            let Some(member) = chosen.and_then(|at| pool.members.get(at)) else { break };
            if let Ok(closed_again) = member.single.pass(now) {
                let set_cookie = member.session.as_ref().map(|(_, header)| header.clone());
                return Ok(pool.chosen(member, closed_again, set_cookie));
            }
        }
        let members = selector.members().filter_map(|at| pool.members.get(at));
        Err(members.filter_map(|member| member.single.open_until(now)).min().unwrap_or(now))
    }

    fn chosen(
        self: &Arc<Self>,
        member: &Member,
        closed_again: bool,
        set_cookie: Option<HeaderValue>,
    ) -> Choice {
        Choice {
            single: Arc::clone(&member.single),
            pool: Some(Arc::clone(self)),
            info: Arc::clone(&member.info),
            set_cookie,
            closed_again,
        }
    }

    /// The member a session cookie names.
    fn member_of_session(&self, headers: &HeaderMap) -> Option<&Member> {
        let name = self.cookie.as_deref()?;
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';'));
        let mut values = pairs
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(own, _)| *own == name)
            .map(|(_, value)| value);
        values.find_map(|value| {
            self.members
                .iter()
                .find(|member| member.session.as_ref().is_some_and(|(own, _)| own == value))
        })
    }
}

/// A member's name in a cookie: says nothing of the backend, and is the same
/// after a restart, whatever the run's seed.
fn session_value(pool: &str, member: &str) -> String {
    let mut stream = Seed(0).stream(&format!("gateway/session/{pool}/{member}"));
    format!("{:016x}{:016x}", stream.next_u64(), stream.next_u64())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
