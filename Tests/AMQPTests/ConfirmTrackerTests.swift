import Testing

@testable import AMQP

struct ConfirmTrackerTests {
  private func publication(_ id: String? = nil, key: String = "k", mandatory: Bool = true) -> AMQPPublication {
    var properties = AMQPProperties()
    properties.messageId = id
    return AMQPPublication(
      exchange: "e", routingKey: key, mandatory: mandatory, properties: properties, body: [1, 2, 3])
  }

  private func tracker(_ publications: [AMQPPublication]) -> ConfirmTracker<Int> {
    var tracker = ConfirmTracker<Int>()
    for (index, publication) in publications.enumerated() { tracker.published(index + 1, publication) }
    return tracker
  }

  private func answers(
    _ tracker: inout ConfirmTracker<Int>, _ tag: UInt64, multiple: Bool = false, ack: Bool = true
  ) -> [Int: ConfirmTracker<Int>.Answer] {
    var answers: [Int: ConfirmTracker<Int>.Answer] = [:]
    tracker.answer(tag: tag, multiple: multiple, ack: ack) { ticket, answer in
      #expect(answers.updateValue(answer, forKey: ticket) == nil)
    }
    return answers
  }

  @Test func `answers come singly, in any order, and for many at once`() {
    var tracker = tracker((1...6).map { publication("\($0)") })
    #expect(tracker.count == 6)
    #expect(tracker.bytes == 18)
    #expect(answers(&tracker, 3) == [3: .confirmed])
    #expect(answers(&tracker, 3) == [:])
    #expect(answers(&tracker, 4, multiple: true) == [1: .confirmed, 2: .confirmed, 4: .confirmed])
    #expect(answers(&tracker, 6, ack: false) == [6: .nacked])
    #expect(answers(&tracker, 5, ack: false) == [5: .nacked])
    #expect(tracker.count == 0)
    #expect(tracker.bytes == 0)
  }

  @Test func `numbers nobody waits for are ignored`() {
    var tracker = tracker([publication()])
    #expect(answers(&tracker, 0) == [:])
    #expect(answers(&tracker, 2) == [:])
    #expect(answers(&tracker, 9, multiple: true) == [1: .confirmed])
    tracker.published(2, publication())
    #expect(answers(&tracker, 1, multiple: true) == [:])
    #expect(answers(&tracker, 2) == [2: .confirmed])
  }

  @Test func `a return marks the publication with its message id, and no other`() {
    var tracker = tracker([publication("a"), publication("b"), publication("c")])
    let routing = ConfirmTracker<Int>.routing(exchange: "e", routingKey: "k", messageId: "b")
    tracker.returned(routing: routing, code: 312, text: "NO_ROUTE")
    #expect(
      answers(&tracker, 3, multiple: true) == [
        1: .confirmed, 2: .returned(code: 312, text: "NO_ROUTE"), 3: .confirmed,
      ])
  }

  @Test func `without message ids a return marks all of that routing rather than confirm a lost one`() {
    var tracker = tracker([publication(), publication(), publication(key: "other"), publication(mandatory: false)])
    let routing = ConfirmTracker<Int>.routing(exchange: "e", routingKey: "k", messageId: nil)
    tracker.returned(routing: routing, code: 312, text: "NO_ROUTE")
    let all = answers(&tracker, 4, multiple: true)
    #expect(all[1] == .returned(code: 312, text: "NO_ROUTE"))
    #expect(all[2] == .returned(code: 312, text: "NO_ROUTE"))
    #expect(all[3] == .confirmed)
    #expect(all[4] == .confirmed)
  }

  @Test func `a nack outweighs a return`() {
    var tracker = tracker([publication("a")])
    let routing = ConfirmTracker<Int>.routing(exchange: "e", routingKey: "k", messageId: "a")
    tracker.returned(routing: routing, code: 312, text: "NO_ROUTE")
    #expect(answers(&tracker, 1, ack: false) == [1: .nacked])
  }

  @Test func `draining hands back what is left and begins anew`() {
    var tracker = tracker((1...4).map { publication("\($0)") })
    _ = answers(&tracker, 2)
    #expect(tracker.drain() == [1, 3, 4])
    tracker.published(9, publication())
    #expect(answers(&tracker, 1) == [9: .confirmed])
  }

  @Test func `whatever order answers come in, each publication is answered once`() {
    for _ in 0..<100 {
      var tracker = ConfirmTracker<Int>()
      var seen: Set<Int> = []
      var published = 0
      while seen.count < 4000 {
        for _ in 0..<Int.random(in: 0...200) where published < 4000 {
          published += 1
          tracker.published(published, publication("\(published)"))
        }
        guard published > 0 else { continue }
        let tag = UInt64(Int.random(in: max(1, published - 300)...published))
        tracker.answer(tag: tag, multiple: Bool.random(), ack: true) { ticket, _ in
          #expect(seen.insert(ticket).inserted)
        }
        if published == 4000, Bool.random() {
          tracker.answer(tag: 4000, multiple: true, ack: true) { ticket, _ in #expect(seen.insert(ticket).inserted) }
        }
        #expect(tracker.count == published - seen.count)
      }
    }
  }
}
