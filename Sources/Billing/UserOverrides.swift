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

  package struct RateLimit: Sendable, Hashable, Codable {
    /// Starts in any 60 seconds.
    package var rpm: Int?
    /// Sustained starts a second.
    package var rps: Int?
    /// Starts above the sustained rate that may come at once.
    package var burst: Int?

    package init(rpm: Int? = nil, rps: Int? = nil, burst: Int? = nil) {
      self.rpm = rpm
      self.rps = rps
      self.burst = burst
    }
  }

  /// Jobs that may run at once.
  package var concurrency: Int?
  /// The cost cap of a month; written as a decimal string of dollars.
  package var monthlyUsd: Money?
  /// Whether the cap blocks or only alerts.
  package var hardStop: Bool?
  package var quotas: Quotas?
  package var rateLimit: RateLimit?

  package init(
    concurrency: Int? = nil, monthlyUsd: Money? = nil, hardStop: Bool? = nil, quotas: Quotas? = nil,
    rateLimit: RateLimit? = nil
  ) {
    self.concurrency = concurrency
    self.monthlyUsd = monthlyUsd
    self.hardStop = hardStop
    self.quotas = quotas
    self.rateLimit = rateLimit
  }

  package static let none = UserOverrides()

  /// Nine million dollars: the scripts of Redis calculate nano-dollars exactly up to 2^53.
  package static let largestCap = Money(nanoUSD: 9_000_000 * 1_000_000_000)
  /// Of a quota; as milliseconds of video it is still exact in Redis.
  package static let largestQuota = 100_000_000_000
  /// Of concurrency and rates.
  package static let largestRate = 1_000_000

  /// Why these figures cannot be used, nil when they can.
  package var fault: String? {
    if let monthlyUsd, !(.zero...Self.largestCap).contains(monthlyUsd) {
      return "monthlyUsd: must be from 0 to 9000000"
    }
    let quotas = [quotas?.tokens, quotas?.audioSeconds, quotas?.videoMinutes, quotas?.jobs].compactMap(\.self)
    if !quotas.allSatisfy((0...Self.largestQuota).contains) { return "quotas: must be from 0 to \(Self.largestQuota)" }
    if let concurrency, !(1...Self.largestRate).contains(concurrency) {
      return "concurrency: must be from 1 to \(Self.largestRate)"
    }
    let rates = [rateLimit?.rpm, rateLimit?.rps, rateLimit?.burst].compactMap(\.self)
    if !rates.allSatisfy((1...Self.largestRate).contains) { return "rateLimit: must be from 1 to \(Self.largestRate)" }
    return nil
  }
}

extension UserOverrides {
  private enum CodingKeys: String, CodingKey { case concurrency, monthlyUsd, hardStop, quotas, rateLimit }

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
    rateLimit = try members.decodeIfPresent(RateLimit.self, forKey: .rateLimit)
  }

  package func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: CodingKeys.self)
    try members.encodeIfPresent(concurrency, forKey: .concurrency)
    try members.encodeIfPresent(monthlyUsd?.description, forKey: .monthlyUsd)
    try members.encodeIfPresent(hardStop, forKey: .hardStop)
    try members.encodeIfPresent(quotas, forKey: .quotas)
    try members.encodeIfPresent(rateLimit, forKey: .rateLimit)
  }
}
