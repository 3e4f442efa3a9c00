import Contracts

extension AdmissionLimits {
  /// As the scripts read it; empty when nothing is limited. The interval between sustained starts is rounded up, so that
  /// no window ever holds one start too many. The default burst is `perSecond`.
  var text: String {
    guard isMetered || perMinute != nil || perSecond != nil else { return "" }
    let interval = perSecond.map { (1_000_000 + $0 - 1) / $0 }
    let figures: [Int64?] = [
      perMinute.map { Int64($0) }, interval.map { Int64($0) },
      perSecond.map { Int64(burst ?? $0) }, monthlyCap?.nanoUSD, Self.figure(tokens, 1),
      Self.figure(audioSeconds, 1000),
      Self.figure(videoMinutes, 60_000), Self.figure(jobs, 1),
    ]
    var text = ""
    for figure in figures {
      if !text.isEmpty { text += " " }
      text += figure.map(String.init) ?? "-"
    }
    return text
  }

  private static func figure(_ quantity: Int?, _ factor: Int64) -> Int64? {
    quantity.map { Int64(min(Int64($0), Spending.largest / factor)) * factor }
  }
}
