package import Admission
import Contracts

/// What a user's month stands at in Redis, where jobs are judged: `base` is in the ledger, `open` is reserved or spent
/// beyond that, `used` is both.
package struct MonthStanding: Sendable, Encodable {
  package struct Figures: Sendable, Encodable {
    package let usd, audioSeconds, videoSeconds: String
    package let tokens, jobs: Int64

    package init(_ spending: Spending) {
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

  package let base, open, used: Figures

  package init(base: Spending, open: Spending) {
    self.base = Figures(base)
    self.open = Figures(open)
    used = Figures(
      Spending(
        nanoUSD: base.nanoUSD + open.nanoUSD, tokens: base.tokens + open.tokens,
        audioMilliseconds: base.audioMilliseconds + open.audioMilliseconds,
        videoMilliseconds: base.videoMilliseconds + open.videoMilliseconds, jobs: base.jobs + open.jobs))
  }
}
