import Contracts
import Testing

@Suite struct LedgerMarkerTests {
  private static let runID = "0123456789abcdef0123456789abcdef01234567"

  @Test func `a marker is read as it was written`() throws {
    let marker = try #require(LedgerMarker(epoch: Self.runID + ":1790000000000"))
    #expect(LedgerMarker(decoding: marker.encoded()) == marker)
    #expect(LedgerMarker(epoch: Self.runID + ":0") != nil)
  }

  @Test(arguments: [
    "", ":", runID, runID + ":", runID + ":-1", runID + ":1:2", runID + ":12345678901234567", runID.uppercased() + ":1",
    String(runID.dropLast()) + ":1", "{\"id\":1}", runID + ":1\n",
  ])
  func `nothing else is one`(text: String) {
    #expect(LedgerMarker(decoding: Array(text.utf8)) == nil)
  }
}
