import Testing

@testable import AMQP

struct UnsettledTagsTests {
  private typealias Frame = UnsettledTags.Frame

  private func tags(_ count: UInt64) -> UnsettledTags {
    var tags = UnsettledTags()
    for tag in 1...count { #expect(deliver(&tags, tag)) }
    return tags
  }

  private func deliver(_ tags: inout UnsettledTags, _ tag: UInt64) -> Bool { tags.delivered(tag) }
  private func settle(_ tags: inout UnsettledTags, _ tag: UInt64, _ act: AMQPSettlement.Act) -> Bool {
    tags.settle(tag, act)
  }
  private func frames(_ tags: inout UnsettledTags) -> [Frame] { tags.takeFrames() }

  @Test func `a run of acks becomes one ack up to its last`() {
    var tags = tags(5)
    for tag: UInt64 in [3, 1, 2] { #expect(settle(&tags, tag, .ack)) }
    #expect(frames(&tags) == [Frame(act: .ackUpTo, tag: 3)])
    #expect(tags.count == 2)
    #expect(frames(&tags) == [])
  }

  @Test func `an ack behind an open delivery goes alone, and is not repeated when the gap closes`() {
    var tags = tags(4)
    #expect(settle(&tags, 2, .ack))
    #expect(frames(&tags) == [Frame(act: .ack, tag: 2)])
    #expect(settle(&tags, 1, .ack))
    #expect(frames(&tags) == [Frame(act: .ack, tag: 1)])
    #expect(settle(&tags, 3, .ack))
    #expect(settle(&tags, 4, .ack))
    #expect(frames(&tags) == [Frame(act: .ackUpTo, tag: 4)])
  }

  @Test func `rejects leave before an ack that covers their tags`() {
    var tags = tags(4)
    #expect(settle(&tags, 1, .ack))
    #expect(settle(&tags, 4, .ack))
    #expect(settle(&tags, 2, .requeue))
    #expect(settle(&tags, 3, .discard))
    #expect(
      frames(&tags) == [
        Frame(act: .requeue, tag: 2), Frame(act: .discard, tag: 3), Frame(act: .ackUpTo, tag: 4),
      ])
  }

  @Test func `unknown and repeated settlements are refused`() {
    var tags = tags(2)
    #expect(!settle(&tags, 0, .ack))
    #expect(!settle(&tags, 3, .ack))
    #expect(settle(&tags, 1, .ack))
    #expect(!settle(&tags, 1, .requeue))
    _ = tags.takeFrames()
    #expect(!settle(&tags, 1, .ack))
  }

  @Test func `a tag out of order is refused`() {
    var tags = tags(2)
    #expect(!deliver(&tags, 2))
    #expect(!deliver(&tags, 4))
  }

  /// Plays the broker: every tag must be settled once, the way it was asked for.
  @Test func `in any order and grouping the broker sees what was asked for`() {
    for _ in 0..<20 {
      var tags = UnsettledTags()
      var delivered: UInt64 = 0
      var asked: [UInt64: AMQPSettlement.Act] = [:]
      var open: [UInt64] = []
      var seen: [UInt64: AMQPSettlement.Act] = [:]
      while delivered < 1000 || !open.isEmpty {
        for _ in 0..<Int.random(in: 0...40) where delivered < 1000 {
          delivered += 1
          #expect(deliver(&tags, delivered))
          open.append(delivered)
        }
        for _ in 0..<Int.random(in: 0...60) where !open.isEmpty {
          let tag = open.remove(at: Int.random(in: 0..<min(open.count, 20)))
          let act: AMQPSettlement.Act = [.ack, .ack, .ack, .requeue, .discard].randomElement() ?? .ack
          asked[tag] = act
          #expect(settle(&tags, tag, act))
        }
        for frame in tags.takeFrames() {
          switch frame.act {
          case .requeue: #expect(seen.updateValue(.requeue, forKey: frame.tag) == nil)
          case .discard: #expect(seen.updateValue(.discard, forKey: frame.tag) == nil)
          case .ack: #expect(seen.updateValue(.ack, forKey: frame.tag) == nil)
          case .ackUpTo: for tag in 1...frame.tag where seen[tag] == nil { seen[tag] = .ack }
          }
        }
        #expect(tags.count == open.count)
      }
      #expect(seen == asked)
    }
  }
}
