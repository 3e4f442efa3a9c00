import Admission
import Contracts

/// What a user's month stands at in Redis, where jobs are judged: `base` is in the ledger, `open` is reserved or spent
/// beyond that, `used` is both.
struct MonthStanding: Encodable {
  struct Figures: Encodable {
    let usd, audioSeconds, videoSeconds: String
    let tokens, jobs: Int64

    init(_ spending: Spending) {
      usd = Money(nanoUSD: spending.nanoUSD).description
      tokens = spending.tokens
      audioSeconds = Self.seconds(spending.audioMilliseconds)
      videoSeconds = Self.seconds(spending.videoMilliseconds)
      jobs = spending.jobs
    }

    private static func seconds(_ milliseconds: Int64) -> String {
      ExactDecimal(mantissa: Int128(milliseconds), decimals: 3).description
    }
  }

  let base, open, used: Figures

  init(base: Spending, open: Spending) {
    self.base = Figures(base)
    self.open = Figures(open)
    used = Figures(
      Spending(
        nanoUSD: base.nanoUSD + open.nanoUSD, tokens: base.tokens + open.tokens,
        audioMilliseconds: base.audioMilliseconds + open.audioMilliseconds,
        videoMilliseconds: base.videoMilliseconds + open.videoMilliseconds, jobs: base.jobs + open.jobs))
  }

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
