import Admission
import Contracts
import Operations
import Testing

struct QueueAgesTests {
  /// A queue that is looked at once a second, and workers that take from it.
  private struct Lines {
    var ages = QueueAges()
    var second: Int64 = 0
    var ready = 0
    var taken: [String: Int64] = ["w1": 0]

    mutating func pass(adding added: Int = 0, taking: Int = 0, by worker: String = "w1") -> Duration? {
      second += 1
      let count = min(taking, ready)
      ready += added - count
      taken[worker, default: 0] += Int64(count)
      return look()
    }

    mutating func look() -> Duration? {
      let workers = taken.map { name, count in
        var report = WorkerReport(worker: name, slots: 1)
        report.taken[.high] = count
        return report
      }
      return ages.look(workers: workers, ready: [.high: ready], at: Timestamp(milliseconds: second * 1000))[.high]
    }
  }

  @Test func `an empty queue keeps nobody waiting`() {
    var lines = Lines()
    #expect(lines.pass() == nil)
    for _ in 0..<10 { #expect(lines.pass(adding: 5, taking: 5) ?? .zero <= .seconds(1)) }
  }

  @Test func `where nobody takes any the wait grows with the clock`() {
    var lines = Lines()
    lines.taken = [:]
    #expect(lines.pass(adding: 1) == .zero)
    for second in 1...100 { #expect(lines.pass(adding: 1) == .seconds(second)) }
  }

  @Test func `a steady backlog shows how long one lies in it`() {
    var lines = Lines()
    _ = lines.pass(adding: 200)
    // Ten in, ten out: each lies there for twenty seconds.
    var ages: [Duration] = []
    for _ in 0..<100 { ages.append(lines.pass(adding: 10, taking: 10) ?? .zero) }
    #expect(ages.last == .seconds(20))
    #expect(ages.dropFirst(20).allSatisfy { $0 == .seconds(20) })
  }

  @Test func `it shrinks with the backlog and is gone with it`() {
    var lines = Lines()
    _ = lines.pass(adding: 100)
    for _ in 0..<10 { _ = lines.pass(adding: 2, taking: 10) }
    var last = lines.look()
    #expect(last ?? .zero >= .seconds(8))
    for _ in 0..<30 { last = lines.pass(adding: 1, taking: 10) }
    #expect(last ?? .zero <= .seconds(1))
    #expect(lines.pass(taking: 10) == nil)
  }

  @Test func `what lay there before the queue was empty says nothing of what comes then`() {
    var lines = Lines()
    for _ in 0..<50 { _ = lines.pass(adding: 1) }
    #expect(lines.pass(taking: 50) == nil)
    #expect(lines.pass(adding: 1) == .zero)
  }

  @Test func `workers that come and go are counted`() {
    var lines = Lines()
    _ = lines.pass(adding: 30)
    lines.taken["w2"] = 0
    for _ in 0..<2 { _ = lines.pass(adding: 10, taking: 10, by: "w2") }
    lines.taken["w2"] = nil
    #expect(lines.pass(adding: 10, taking: 10) == .seconds(3))
    #expect(lines.pass(adding: 10, taking: 10) == .seconds(3))
  }

  @Test func `what was taken before the first look does not count`() {
    var lines = Lines()
    lines.taken["w1"] = 1_000_000
    _ = lines.pass(adding: 5)
    #expect(lines.pass() == .seconds(1))
    #expect(lines.pass() == .seconds(2))
  }
}
