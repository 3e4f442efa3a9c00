import Contracts
import Testing

@testable import Catalog

@Suite struct VersionOrderTests {
  private func order(_ versions: String?...) -> VersionOrder {
    VersionOrder(
      versions.map {
        ModelListing(provider: "p", task: .llm, model: "m", version: $0, stage: .stable, verified: true)
      })
  }

  @Test func `semantic versions follow their precedence wherever they stand in the file`() {
    #expect(order("1.10.0", "1.9.0", "1.2.3").newest?.version == "1.10.0")
    #expect(order("2.0.0-rc.1", "1.9.9").newest?.version == "2.0.0-rc.1")
    #expect(order("2.0.0", "2.0.0-rc.1").newest?.version == "2.0.0")
    #expect(order("1.0.0-alpha.2", "1.0.0-alpha.10", "1.0.0-alpha.beta").newest?.version == "1.0.0-alpha.beta")
    #expect(order("v3", "v2.7").newest?.version == "v3")
    #expect(order("1.0.0+b1", "1.0.1+a").newest?.version == "1.0.1+a")
  }

  @Test func `a minor change stays in its major version`() {
    #expect(order("1.0.0", "1.4.0", "2.1.0", "1.3.0").newest(minorOf: "1.0.0")?.version == "1.4.0")
    #expect(order("1.0.0", "2.1.0").newest(minorOf: "3.0.0") == nil)
    #expect(order("1.0.0", "1.1.0").newest(minorOf: "1.9.0")?.version == "1.1.0")
  }

  @Test func `days follow the calendar, and have no major version`() {
    #expect(order("2025-08-07", "2024-12-01").newest?.version == "2025-08-07")
    #expect(order("20250807", "20251101").newest(minorOf: "20250807")?.version == "20251101")
  }

  @Test func `anything else follows the file, and only the anchor is a minor change of itself`() {
    #expect(order("blue", "green").newest?.version == "green")
    #expect(order("blue", "green").newest(minorOf: "blue")?.version == "blue")
    #expect(order(nil).newest?.version == nil)
    #expect(order(nil).newest(minorOf: nil) != nil)
    #expect(order("1.0.0", "next").newest?.version == "next")
  }
}
