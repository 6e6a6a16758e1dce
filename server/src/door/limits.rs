//! The limits of the door, from the environment of the door's application.
//!
//! ```erlang
//! {limits, [{clients, 20000},               % at once
//!           {per_address, 8},               % clients from one address, or one /64 of IPv6; 2 and 8 times that from
//!                                           % a /56 and a /48; the same numbers again for browsers that load the page
//!           {arrivals, {5, 20}},            % new clients from one address: per second, and at once
//!           {exempt, ["127.0.0.0/8", "::1/128"]},      % networks without the two limits above
//!           {lines, {10, 30}},              % of one client: per second, and at once; a line counts as 16 commands or 1 KiB
//!           {line_bytes, 1024},
//!           {login_ms, 60000},              % time until the avatar plays, or infinity
//!           {outbox_bytes, 65536},          % output that waits for a slow client
//!           {abandoned, 20000}]}            % avatars whose clients have left, or infinity
//! ```
//! The defaults of omitted limits are the values shown.

use std::time::Duration;

use anyhow::{Context, bail};
use pq_term::Term;
use sockserv::{Limits, Rate};

/// The longest permitted line and the largest permitted outbox in bytes: the cost of one client. 16 MiB is more than
/// any game sends in a day.
const LINE_MAX: i64 = 64 << 10;
const OUTBOX_MAX: i64 = 16 << 20;

/// The smallest outbox in bytes: 1 KiB holds the greeting and the telnet negotiation.
const OUTBOX_MIN: i64 = 1 << 10;

/// The number of ports that a machine has for one address.
const CLIENTS_MAX: i64 = 1 << 16;

/// A higher rate limits nothing.
const RATE_MAX: i64 = 1_000_000;

/// The longest login in milliseconds: one day.
const LOGIN_MAX: i64 = 86_400_000;

/// The limit of `abandoned`: no shard has numbers, and no machine memory, for more avatars.
const ABANDONED_MAX: i64 = 50_000_000;

/// The number of clients in `limits`; `None` if the setting omits it.
pub(super) fn clients(term: &Term) -> Option<i64> {
    let pairs = term.as_list()?.iter().filter_map(Term::as_tuple);
    let mut clients = pairs.filter(|pair| pair.first().is_some_and(|key| key.is_atom("clients")));
    clients.next_back()?.get(1)?.as_i64()
}

/// Parses the setting `limits`.
pub(super) fn read(application: &str, term: &Term) -> anyhow::Result<Limits> {
    let pairs = term.as_list().with_context(|| {
        format!(
            "limits of {application} is {term}, where a list like [{{lines, {{10, 30}}}}] is needed"
        )
    })?;
    let mut limits = Limits::default();
    for pair in pairs {
        set(&mut limits, application, pair)?;
    }
    Ok(limits)
}

fn set(limits: &mut Limits, application: &str, pair: &Term) -> anyhow::Result<()> {
    let Some([key, value]) = pair.as_tuple() else {
        bail!("limits of {application} has {pair}, where {{Name, Value}} is needed");
    };
    let key = key.as_atom().map(|atom| atom.as_str()).unwrap_or_default();
    let of = format!("{key} of {application}'s limits");
    let number = |range| number(&of, value, range).map(|number| number as usize);
    match key {
        "clients" => limits.clients = number(1..=CLIENTS_MAX)?,
        "per_address" => limits.per_address = number(1..=CLIENTS_MAX)?,
        "arrivals" => limits.arrivals = rate(&of, value)?,
        "exempt" => limits.exempt = networks(&of, value)?,
        "lines" => limits.lines = rate(&of, value)?,
        "line_bytes" => limits.line_max = number(1..=LINE_MAX)?,
        "login_ms" if value.is_atom("infinity") => limits.login = None,
        "login_ms" => {
            limits.login = Some(Duration::from_millis(number(1..=LOGIN_MAX)? as u64));
        }
        "outbox_bytes" => limits.outbox_max = number(OUTBOX_MIN..=OUTBOX_MAX)?,
        "abandoned" if value.is_atom("infinity") => limits.abandoned = None,
        "abandoned" => limits.abandoned = Some(number(1..=ABANDONED_MAX)?),
        _ => bail!(
            "limits of {application} has {pair}, where clients, per_address, arrivals, exempt, lines, line_bytes, \
             login_ms, outbox_bytes or abandoned is needed"
        ),
    }
    Ok(())
}

fn number(of: &str, value: &Term, range: std::ops::RangeInclusive<i64>) -> anyhow::Result<i64> {
    let number = value.as_i64().filter(|number| range.contains(number));
    number.with_context(|| {
        let (least, most) = (range.start(), range.end());
        format!("{of} is {value}, where a number from {least} to {most} is needed")
    })
}

fn rate(of: &str, value: &Term) -> anyhow::Result<Rate> {
    let Some([per_second, burst]) = value.as_tuple() else {
        bail!("{of} is {value}, where {{PerSecond, AtOnce}} is needed");
    };
    let number = |value| number(of, value, 1..=RATE_MAX).map(|number| number as u32);
    Ok(Rate::new(number(per_second)?, number(burst)?))
}

/// Parses a list of networks; `place` names the setting in errors.
pub(super) fn networks(place: &str, value: &Term) -> anyhow::Result<Vec<ipnet::IpNet>> {
    let networks = value
        .as_list()
        .and_then(|list| list.iter().map(|net| net.as_str()?.parse().ok()).collect());
    networks.with_context(|| {
        format!("{place} is {value}, where a list of networks like [\"10.0.0.0/8\"] is needed")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(text: &str) -> anyhow::Result<Limits> {
        read("talk", &pq_term::read_term(text).unwrap())
    }

    #[test]
    fn what_is_left_out_is_as_the_reference_stands() {
        assert_eq!(limits("[]").unwrap(), Limits::default());
        let all = r#"[{clients,20000},{per_address,8},{arrivals,{5,20}},{exempt,["127.0.0.0/8","::1/128"]},
            {lines,{10,30}},{line_bytes,1024},{login_ms,60000},{outbox_bytes,65536},{abandoned,20000}]"#;
        assert_eq!(limits(all).unwrap(), Limits::default());
    }

    #[test]
    fn every_limit_can_be_set() {
        let text = r#"[{clients,7},{per_address,2},{arrivals,{1,3}},{exempt,[]},{lines,{4,5}},{line_bytes,80},
            {login_ms,infinity},{outbox_bytes,2048},{abandoned,3}]"#;
        let expected = Limits {
            clients: 7,
            per_address: 2,
            arrivals: Rate::new(1, 3),
            exempt: Vec::new(),
            lines: Rate::new(4, 5),
            line_max: 80,
            login: None,
            outbox_max: 2_048,
            abandoned: Some(3),
        };
        assert_eq!(limits(text).unwrap(), expected);
        let any = limits("[{abandoned,infinity}]").unwrap();
        assert_eq!(any.abandoned, None);
    }

    #[test]
    fn an_odd_limit_is_refused_with_what_would_be_right() {
        for (text, right) in [
            ("x", "a list like"),
            ("[x]", "{Name, Value} is needed"),
            ("[{speed,1}]", "clients, per_address"),
            ("[{clients,0}]", "a number from 1 to"),
            ("[{abandoned,0}]", "a number from 1 to"),
            ("[{abandoned,-1}]", "a number from 1 to"),
            ("[{abandoned,99999999999}]", "a number from 1 to"),
            ("[{abandoned,many}]", "a number from 1 to"),
            ("[{lines,10}]", "{PerSecond, AtOnce} is needed"),
            ("[{lines,{0,1}}]", "a number from 1 to"),
            (r#"[{exempt,["10.0.0.0/40"]}]"#, "a list of networks"),
        ] {
            let error = limits(text).unwrap_err().to_string();
            assert!(error.contains(right), "{text}: {error}");
        }
    }
}
