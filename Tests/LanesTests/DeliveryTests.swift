import Contracts
import Crypto
import Logging
import Testing

@testable import AMQP
@testable import Lanes

@Suite struct DeliveryTests {
  private let time = Timestamp(milliseconds: 1_763_999_000_000)

  private func delivery(_ headers: AMQPTable = [:], body: [UInt8] = [], oversize: String? = nil) -> Delivery {
    var properties = AMQPProperties()
    properties.headers = headers
    let message = AMQPDelivery(
      address: AMQPDeliveryAddress(generation: 1, channel: 1, tag: 1), queue: "q", subscription: 0, redelivered: false,
      exchange: "", routingKey: "low", properties: properties, body: body,
      oversize: oversize.map { AMQPDelivery.Oversize(bytes: 2_000_000, sha256: $0) }, propertyBytes: 0)
    return Delivery(
      message, lane: .low, serial: 0, topology: Topology(), budget: ByteBudget(limit: 1))
  }

  private var post: PostOffice {
    get throws {
      try LaneBroker(AMQPConfiguration(url: "amqp://"), topology: Topology(), logger: .init(label: "test")).postOffice()
    }
  }

  @Test(
    arguments: [
      (nil, 0), (.int(0), 0), (.int(41), 41), (.int(1_000_000), 1_000_000), (.int(1_000_001), 0), (.int(-1), 0),
      (.int(.min), 0), (.int(.max), 0), ("7", 0), (.null, 0),
    ] as [(AMQPField?, Int)])
  func `a copy number is only believed within reason`(header: AMQPField?, copy: Int) {
    #expect(delivery(header.map { [Header.copy: $0] } ?? [:]).copy == copy)
  }

  @Test(arguments: [(-1, true), (0, false), (1_000_000, false), (1_000_001, true)] as [(Int64, Bool)])
  func `a copy number that no bay can have had makes it no job`(number: Int64, isFault: Bool) {
    #expect((delivery([Header.copy: .int(number)]).fault != nil) == isFault)
  }

  @Test func `only a parked copy that follows its tier says so`() throws {
    for follows in [true, false] {
      let parked = try post.park(
        delivery([Header.ownLane: 1]), bay: 1, copy: 1, firstSeen: time, lane: .high, followsTier: follows)
      #expect(parked.publication.properties.headers[Header.ownLane] == (follows ? 1 : nil))
    }
    #expect(delivery([Header.ownLane: 1]).followsTier)
    #expect(!delivery([Header.ownLane: "1"]).followsTier)
  }

  @Test func `a copy to a bay replaces the number and leaves trips and the sender's headers alone`() throws {
    let original = delivery([Header.copy: "forged", Header.trips: 4, "theirs": 1, "x-death": .array([])])
    let parked = try post.park(original, bay: 12, copy: 1, firstSeen: time, lane: .high, followsTier: false).publication
    #expect(parked.exchange == "jobs.parking.012")
    #expect(parked.routingKey == "high")
    #expect(parked.mandatory)
    #expect(parked.properties.deliveryMode == .persistent)
    #expect(
      parked.properties.headers
        == [Header.copy: 1, Header.trips: 4, "theirs": 1, Header.firstSeen: .int(time.milliseconds)])
  }

  @Test func `a body that was too large to be held has the digest of the whole`() {
    let body = Array("a job".utf8)
    let whole = Identifier.hex(bytes: Array(SHA256.hash(data: body)))
    #expect(delivery(body: body).digest == JobMessage.digest(of: body))
    #expect(delivery(body: [], oversize: whole).digest == JobMessage.digest(of: body))
  }

  @Test func `a letter tells nothing of copies`() throws {
    let letter = try post.letter(
      delivery([Header.copy: 3, "theirs": 1]), code: .callerError, detail: "", attempts: 0, firstSeen: time, run: "r",
      at: time)
    #expect(letter.publication.properties.headers[Header.copy] == nil)
    #expect(letter.publication.properties.headers["theirs"] == 1)
  }
}
