import Contracts
import Testing

@Suite struct EntitlementTests {
  private let full = Entitlement(
    tier: "PRO", concurrency: 4, monthlyCap: Money("12.5"), hardStop: false,
    quotas: .init(tokens: 0, audioSeconds: 2, videoMinutes: 3, jobs: 4),
    rate: .init(perMinute: 5, perSecond: 6, burst: 7))

  @Test func `everything that is laid down survives the way through Redis`() throws {
    #expect(try Entitlement(decoding: full.encoded()) == full)
    #expect(
      String(decoding: full.encoded(), as: UTF8.self)
        == #"{"tier":"PRO","concurrency":4,"monthlyUsd":"12.500000000000","hardStop":false,"#
        + #""quotas":{"tokens":0,"audio_seconds":2,"video_minutes":3,"jobs":4},"#
        + #""rateLimit":{"rpm":5,"rps":6,"burst":7}}"#)
  }

  @Test(arguments: [
    Entitlement(), Entitlement(tier: "tier3"), Entitlement(quotas: .init(jobs: 1)), Entitlement(rate: .init(burst: 1)),
    Entitlement(hardStop: true),
  ])
  func `what is not laid down is absent and follows the tier`(entitlement: Entitlement) throws {
    #expect(try Entitlement(decoding: entitlement.encoded()) == entitlement)
    #expect(!String(decoding: entitlement.encoded(), as: UTF8.self).contains("null"))
  }

  @Test func `copies of older and newer releases can be read`() throws {
    let old = #"{"tier":null,"concurrency":3,"monthlyUsd":null}"#
    #expect(try Entitlement(decoding: Array(old.utf8)) == Entitlement(concurrency: 3))
    let new = #"{"tier":"PRO","colour":{"a":[1]},"quotas":{"images":5,"jobs":2},"rateLimit":{"rph":1}}"#
    #expect(try Entitlement(decoding: Array(new.utf8)) == Entitlement(tier: "PRO", quotas: .init(jobs: 2)))
  }

  @Test func `figures that no limit can have count as absent`() throws {
    let text =
      #"{"concurrency":0,"monthlyUsd":"-1","hardStop":1,"quotas":{"tokens":-1,"jobs":"5"},"#
      + #""rateLimit":{"rps":0,"rpm":1.5}}"#
    #expect(try Entitlement(decoding: Array(text.utf8)) == Entitlement())
  }
}
