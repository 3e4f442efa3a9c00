import Admission

// The words for what jobs wait for: the same on every page, in the verdict and on a terminal.

extension WaitCause {
  /// Beside a figure of its own.
  package var label: String {
    switch self {
    case .reason(.concurrency): "concurrency"
    case .reason(.rate): "rate"
    case .reason(.moneyReserved): "cost cap"
    case .reason(.quotaReserved): "quota"
    case .reason(.notBefore): "not before"
    case .reason(.parents): "other jobs"
    case .reason(.catchingUp): "catching up"
    case .reason(.runningElsewhere): "other copy"
    case .reason(.providerResting): "provider"
    case .slot: "slot"
    case .hold: "hold"
    }
  }

  /// Behind a count, in a sentence.
  var phrase: String {
    switch self {
    case .reason(.concurrency): "at their concurrency"
    case .reason(.rate): "at their rate"
    case .reason(.moneyReserved): "for what is held of a cost cap until it is booked"
    case .reason(.quotaReserved): "for what is held of a quota until it is booked"
    case .reason(.notBefore): "for an instant they asked for"
    case .reason(.parents): "for other jobs"
    case .reason(.catchingUp): "until what was spent is known"
    case .reason(.runningElsewhere): "for another delivery of the same job"
    case .reason(.providerResting): "for a provider"
    case .slot: "for a slot"
    case .hold: "until grants begin again"
    }
  }
}
