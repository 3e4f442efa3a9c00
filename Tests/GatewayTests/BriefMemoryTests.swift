import Testing

@testable import Gateway

@Suite struct BriefMemoryTests {
  private let begin = ContinuousClock.now

  private func memory(capacity: Int = 10) -> BriefMemory<Int, String> {
    BriefMemory(lifetime: .seconds(2), capacity: capacity)
  }

  @Test func `what was read holds from the beginning of the reading`() {
    let memory = memory()
    memory.keep("a", of: 1, readAt: begin)
    #expect(memory.value(of: 1, at: begin + .milliseconds(1999)) == "a")
    #expect(memory.value(of: 1, at: begin + .seconds(2)) == nil)
    memory.keep("b", of: 2, readAt: .now - .seconds(2))
    #expect(memory.value(of: 2) == nil, "the reading took longer than it holds")
    #expect(memory.value(of: 3) == nil)
  }

  @Test func `what is read again replaces what was there`() {
    let memory = memory()
    memory.keep("a", of: 1, readAt: begin)
    memory.keep("b", of: 1, readAt: begin + .seconds(1))
    #expect(memory.value(of: 1, at: begin + .milliseconds(2999)) == "b" && memory.count == 1)
  }

  @Test func `one that is full keeps nothing new, and what it has may be renewed`() {
    let memory = memory()
    for key in 0..<20 { memory.keep("a", of: key, readAt: begin) }
    #expect(memory.count == 10 && memory.value(of: 9, at: begin) == "a" && memory.value(of: 10, at: begin) == nil)
    memory.keep("b", of: 9, readAt: begin + .seconds(1))
    #expect(memory.value(of: 9, at: begin + .seconds(1)) == "b" && memory.count == 10)
  }

  @Test func `what is over makes room, which is looked for once in a lifetime`() {
    let memory = memory()
    for key in 0..<5 { memory.keep("a", of: key, readAt: begin) }
    for key in 5..<10 { memory.keep("a", of: key, readAt: begin + .seconds(1)) }
    memory.keep("b", of: 10, readAt: begin + .seconds(2))
    #expect(memory.count == 6 && memory.value(of: 10, at: begin + .seconds(2)) == "b")
    for key in 11..<20 { memory.keep("b", of: key, readAt: begin + .seconds(2)) }
    #expect(memory.count == 10, "full again, of what holds")
    memory.keep("c", of: 20, readAt: begin + .milliseconds(3999))
    #expect(memory.value(of: 20, at: begin + .milliseconds(3999)) == nil, "five of it are over, and are not looked for")
    memory.keep("c", of: 20, readAt: begin + .seconds(4))
    #expect(memory.value(of: 20, at: begin + .seconds(4)) == "c" && memory.count == 1)
  }
}
