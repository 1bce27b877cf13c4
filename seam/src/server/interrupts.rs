//! Requests to end the process.

/// Requests to end the process: SIGINT and SIGTERM.
pub struct Interrupts {
    #[cfg(unix)]
    signals: [Option<tokio::signal::unix::Signal>; 2],
}

impl Interrupts {
    /// Listens from now on: a signal that comes before [`Interrupts::next`] is
    /// not lost. In a container nothing else would catch it there.
    #[must_use]
    pub fn listen() -> Self {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            // Without a handler the default action ends the process anyway.
            let signals = [SignalKind::interrupt(), SignalKind::terminate()];
            Self { signals: signals.map(|kind| signal(kind).ok()) }
        }
        #[cfg(not(unix))]
        Self {}
    }

    /// Resolves with the next one.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        {
            async fn received(signal: &mut Option<tokio::signal::unix::Signal>) {
                let came = match signal {
                    Some(signal) => signal.recv().await,
                    None => None,
                };
                if came.is_none() {
                    std::future::pending().await
                }
            }
            let [interrupt, terminate] = &mut self.signals;
            tokio::select! { biased; () = received(interrupt) => {}, () = received(terminate) => {} }
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Resolves when the process is asked to end: SIGINT or SIGTERM.
pub async fn interrupted() {
    Interrupts::listen().next().await;
}
