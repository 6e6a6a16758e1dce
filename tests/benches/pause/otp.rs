//! The same measurement with the real OTP: our own Erlang script, run by `escript`.

use std::path::Path;
use std::process::Command;

/// The shortest pause of `rounds` rounds with `servers` servers, in microseconds; `None` without Erlang.
pub(crate) fn pause_us(servers: u64, rounds: u32) -> Option<f64> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/otp/pause.escript");
    let output = Command::new("escript")
        .arg(script)
        .args([servers.to_string(), rounds.to_string()])
        .output();
    let output = match output {
        Ok(output) => output,
        Err(error) => {
            eprintln!(
                "no comparison with OTP: escript cannot be run ({error}); Debian: erlang-base"
            );
            return None;
        }
    };
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let pauses = text.lines().filter_map(|line| {
        let value: serde_json::Value = serde_json::from_str(line).ok()?;
        value.get("pause_us")?.as_f64()
    });
    pauses.min_by(f64::total_cmp)
}
