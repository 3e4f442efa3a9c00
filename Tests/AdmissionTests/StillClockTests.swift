import Testing

/// Suites that move the clock of one server take turns: they stand inside this one.
@Suite(.serialized) struct StillClockTests {}
