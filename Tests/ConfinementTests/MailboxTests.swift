import Confinement
import TestKit
import Testing

struct MailboxTests {
  @Test func `a take returns everything that accumulated, in order`() async {
    let mailbox = Mailbox<Int>()
    mailbox.put(1)
    mailbox.put(contentsOf: [2, 3])
    #expect(mailbox.count == 3)
    #expect(await mailbox.take() == [1, 2, 3])
    #expect(mailbox.count == 0)
  }

  @Test func `a waiting taker gets the next batch whole`() async throws {
    let mailbox = Mailbox<Int>()
    async let batch = mailbox.take()
    await Task.yield()
    mailbox.put(contentsOf: [1, 2])
    #expect(await batch == [1, 2])
  }

  @Test func `a closed mailbox is taken empty and then gives empty batches`() async {
    let mailbox = Mailbox<Int>()
    mailbox.put(1)
    mailbox.close()
    mailbox.put(2)
    #expect(await mailbox.take() == [1])
    #expect(await mailbox.take() == [])
  }

  @Test func `closing ends a wait`() async {
    let mailbox = Mailbox<Int>()
    async let batch = mailbox.take()
    await Task.yield()
    mailbox.close()
    #expect(await batch == [])
  }

  @Test func `cancellation ends a wait and leaves what is inside to others`() async {
    let mailbox = Mailbox<Int>()
    let waiting = Task { await mailbox.take() }
    waiting.cancel()
    #expect(await waiting.value == [])
    mailbox.put(1)
    let cancelled = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return await mailbox.take()
    }
    #expect(await cancelled.value == [])
    #expect(await mailbox.take() == [1])
  }

  @Test func `many producers lose nothing`() async {
    let mailbox = Mailbox<Int>()
    let taker = Task {
      var all: [Int] = []
      while all.count < 8000 { all += await mailbox.take() }
      return all
    }
    await withTaskGroup(of: Void.self) { group in
      for task in 0..<8 { group.addTask { for index in 0..<1000 { mailbox.put(task * 1000 + index) } } }
    }
    let all = await taker.value
    #expect(all.sorted() == Array(0..<8000))
    for task in 0..<8 {
      let own = all.filter { $0 / 1000 == task }
      #expect(own == own.sorted())
    }
  }
}

struct GateTests {
  @Test func `a gate holds those who come until it opens, and lets through those who come later`() async {
    let gate = Gate()
    async let first = gate.pass()
    await Task.yield()
    gate.open()
    #expect(await first)
    #expect(await gate.pass())
  }

  @Test func `a shut gate holds again until cancellation or retirement`() async {
    let gate = Gate()
    gate.open()
    gate.shut()
    let waiting = Task { await gate.pass() }
    waiting.cancel()
    #expect(await waiting.value == false)
    async let other = gate.pass()
    await Task.yield()
    gate.retire()
    #expect(await other == false)
    #expect(await gate.pass() == false)
  }
}
