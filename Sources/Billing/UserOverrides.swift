package import Contracts

/// What a user gets instead of the tier's figures; nil members follow the tier. The names are those of the policy file.
package struct UserOverrides: Sendable, Hashable, Codable {
  /// Per calendar month, UTC.
  package struct Quotas: Sendable, Hashable, Codable {
    package var tokens: Int?
    package var audioSeconds: Int?
    package var videoMinutes: Int?
    package var jobs: Int?

    package init(tokens: Int? = nil, audioSeconds: Int? = nil, videoMinutes: Int? = nil, jobs: Int? = nil) {
      self.tokens = tokens
      self.audioSeconds = audioSeconds
      self.videoMinutes = videoMinutes
      self.jobs = jobs
    }

    private enum CodingKeys: String, CodingKey {
      case tokens, jobs
      case audioSeconds = "audio_seconds"
      case videoMinutes = "video_minutes"
    }
  }

  /// Jobs that may run at once.
  package var concurrency: Int?
  /// The cost cap of a month; written as a decimal string of dollars.
  package var monthlyUsd: Money?
  /// Whether the cap blocks or only alerts.
  package var hardStop: Bool?
  package var quotas: Quotas?

  package init(concurrency: Int? = nil, monthlyUsd: Money? = nil, hardStop: Bool? = nil, quotas: Quotas? = nil) {
    self.concurrency = concurrency
    self.monthlyUsd = monthlyUsd
    self.hardStop = hardStop
    self.quotas = quotas
  }

  package static let none = UserOverrides()

  /// Why these figures cannot be used, nil when they can.
  package var fault: String? {
    if let concurrency, concurrency < 1 { return "concurrency: must be 1 or more" }
    if let monthlyUsd, monthlyUsd < .zero { return "monthlyUsd: must not be negative" }
    let quotas = [quotas?.tokens, quotas?.audioSeconds, quotas?.videoMinutes, quotas?.jobs]
    if quotas.contains(where: { ($0 ?? 0) < 0 }) { return "quotas: must not be negative" }
    return nil
  }
}

extension UserOverrides {
  private enum CodingKeys: String, CodingKey { case concurrency, monthlyUsd, hardStop, quotas }

  package init(from decoder: any Decoder) throws {
    let members = try decoder.container(keyedBy: CodingKeys.self)
    concurrency = try members.decodeIfPresent(Int.self, forKey: .concurrency)
    monthlyUsd = try members.decodeIfPresent(String.self, forKey: .monthlyUsd).map { text in
      guard let money = Money(text) else {
        throw DecodingError.dataCorruptedError(forKey: .monthlyUsd, in: members, debugDescription: "not a decimal")
      }
      return money
    }
    hardStop = try members.decodeIfPresent(Bool.self, forKey: .hardStop)
    quotas = try members.decodeIfPresent(Quotas.self, forKey: .quotas)
  }

  package func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: CodingKeys.self)
    try members.encodeIfPresent(concurrency, forKey: .concurrency)
    try members.encodeIfPresent(monthlyUsd?.description, forKey: .monthlyUsd)
    try members.encodeIfPresent(hardStop, forKey: .hardStop)
    try members.encodeIfPresent(quotas, forKey: .quotas)
  }
}
