import Contracts
import Operations

// The month on a terminal.

extension MonthStanding {
  func print(_ period: String) {
    var table = Table([
      .init(stringLiteral: "IN \(period)"), .number("USD"), .number("TOKENS"), .number("AUDIO_SECONDS"),
      .number("VIDEO_SECONDS"), .number("JOBS"),
    ])
    for (name, figures) in [("base", base), ("open", open), ("used", used)] {
      table.add(
        .init(name), .init(Money(figures.usd)?.inTable), "\(figures.tokens)", .init(figures.audioSeconds),
        .init(figures.videoSeconds), "\(figures.jobs)")
    }
    table.print()
  }
}
