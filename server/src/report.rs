//! `--report-every`: the work of the node since the last report, for operators and benchmarks.
//!
//! ```text
//!   report: seconds=10.000 envelopes=515036 timers=431772 late_ms_p99=1 late_ms_max=4 dropped=0 processes=300052
//! ```
//! A report is one line of figures, computed from the counters of `pq_otp::threads`.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use pq_otp::{Counters, Lateness};
use tokio::time::{MissedTickBehavior, interval};

use crate::boot::Booted;
use crate::streams::say;

/// Prints a report at each interval for ever; without an interval the function only waits.
pub(crate) async fn report(booted: &Booted, every_s: Option<u64>) -> Infallible {
    let Some(every_s) = every_s else {
        return std::future::pending().await;
    };
    let mut ticks = interval(Duration::from_secs(every_s));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick is immediate: counting begins here.
    ticks.tick().await;
    let mut before = Sample::take(booted);
    loop {
        ticks.tick().await;
        let now = Sample::take(booted);
        say(format_args!("{}", now.line_since(&before)));
        before = now;
    }
}

/// The counters of the node at one time.
struct Sample {
    at: Instant,
    counters: Counters,
    lateness: Lateness,
}

impl Sample {
    fn take(booted: &Booted) -> Sample {
        let sum = |sum: Counters, shard: Counters| Counters {
            envelopes: sum.envelopes + shard.envelopes,
            spawned: sum.spawned + shard.spawned,
            exited: sum.exited + shard.exited,
            dropped: sum.dropped + shard.dropped,
            timers: sum.timers + shard.timers,
            restarts: sum.restarts + shard.restarts,
            given_up: sum.given_up + shard.given_up,
        };
        Sample {
            at: Instant::now(),
            counters: booted.counters().into_iter().fold(Counters::default(), sum),
            lateness: booted.lateness(),
        }
    }

    fn line_since(&self, before: &Sample) -> String {
        let (now, past) = (&self.counters, &before.counters);
        let lateness = self.lateness.since(&before.lateness);
        format!(
            "report: seconds={:.3} envelopes={} timers={} late_ms_p99={} late_ms_max={} dropped={} processes={}",
            self.at.duration_since(before.at).as_secs_f64(),
            now.envelopes - past.envelopes,
            now.timers - past.timers,
            lateness.percentile_ms(99),
            lateness.max_ms(),
            now.dropped - past.dropped,
            // Shards are read one after another: one may be read before a birth, and another after the end of that
            // process.
            now.spawned.saturating_sub(now.exited),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_what_was_done_since_the_line_before() {
        let began = Instant::now();
        let sample = |seconds, times| Sample {
            at: began + Duration::from_secs(seconds),
            counters: Counters {
                envelopes: 100 * times,
                spawned: 10,
                exited: times,
                dropped: 5 * times,
                timers: 40 * times,
                ..Counters::default()
            },
            lateness: Lateness::default(),
        };
        let line = sample(12, 3).line_since(&sample(2, 1));
        assert_eq!(
            line,
            "report: seconds=10.000 envelopes=200 timers=80 late_ms_p99=0 late_ms_max=0 dropped=10 processes=7"
        );
    }
}
