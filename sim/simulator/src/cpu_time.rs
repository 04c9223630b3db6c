//! Processor time of this process, read outside any run.

/// Seconds of user and system time so far, to a hundredth; zero where the system does not tell.
pub fn seconds() -> f64 {
    // Fields 14 and 15, counted after the name in brackets, in hundredths of a second [proc(5)].
    let Ok(text) = std::fs::read_to_string("/proc/self/stat") else {
        return 0.0;
    };
    let Some((_, rest)) = text.rsplit_once(')') else {
        return 0.0;
    };
    let ticks = |field: &str| field.parse::<u32>().unwrap_or(0);
    let sum: u32 = rest.split_whitespace().skip(11).take(2).map(ticks).sum();
    f64::from(sum) / 100.0
}
