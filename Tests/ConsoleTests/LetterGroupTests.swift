import Operations
import Testing

@testable import Console

@Suite struct LetterGroupTests {
  @Test func `letters of one cause are one group`() {
    let groups = LetterGroup.all(of: Sample().letters(418, .dead))
    #expect(groups.map(\.count).reduce(0, +) == 418 && groups.count == 3)
    #expect(groups[0].shape == "voxcorp answered 503 for request #")
    #expect(groups.allSatisfy { $0.userCount == 61 && $0.first != nil })
    #expect(groups.filter(\.isReplayable).count == 2)
  }

  @Test func `a group's name finds its letters again`() {
    let letters = Sample().letters(30, .dead)
    for group in LetterGroup.all(of: letters) {
      #expect(letters.count { LetterGroup.key(of: $0) == group.key } == group.count)
    }
  }

  @Test func `a group's name survives a form, whatever its complaint looks like`() {
    let letters = Sample(evil: " " + String(repeating: "x", count: 84) + " y").letters(3, .dead)
    for group in LetterGroup.all(of: letters) {
      #expect(group.shape.count == 120 && group.shape.hasSuffix(" "))
      #expect(!group.key.isEmpty && group.key.allSatisfy { $0.isLetter || $0.isNumber })
    }
    #expect(Set(letters.map { LetterGroup.key(of: $0) }).count == 3)
  }

  @Test(arguments: [
    ("status 429 for job-17.", "status 429 for #."), ("took 12.5 s of (30)", "took # s of (#)"), ("", ""),
    ("req_8f0a failed: 1234", "# failed: #"),
  ])
  func `figures of a complaint do not make it another one`(detail: String, shape: String) {
    #expect(LetterGroup.shape(of: detail) == shape)
  }
}
