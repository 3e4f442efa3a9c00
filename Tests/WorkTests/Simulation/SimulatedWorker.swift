import Contracts
import Work

/// The state of one worker process as `Worker` keeps it, around the real `SlotDesk`. Belongs to its simulation.
final class SimulatedWorker {
  struct Arrival {
    var delivery: BrokerModel.Delivery
    var lease: RoomsModel.LeaseID
    var since: Int
    var claim: RoomsModel.Claim?
    var tries = 0

    var job: Int { delivery.message.job }
    var lane: Lane { delivery.source.lane }

    var unclaimed: Arrival {
      var arrival = self
      arrival.claim = nil
      return arrival
    }
  }

  /// A waiting job on its way into a bay.
  struct Parking {
    var arrival: Arrival
    var bay: Int
    var generation: Int
    var copy: Int
    var isNew: Bool
  }

  struct Held {
    var arrival: Arrival
    var delivery: BrokerModel.Delivery
    var isExecuting = true

    var job: Int { arrival.job }
  }

  /// Unique among all processes that ever were.
  let id: Int
  /// Which of the world's workers it is.
  let place: Int
  let slots: Int
  var connection: Int
  var desk = SlotDesk()
  var lines: [Lane: [Arrival]] = [:]
  var heads: [Arrival] = []
  /// To be put in front of their lines with the next look.
  var postponed: [Arrival] = []
  var deck: [RoomsModel.LeaseID: (arrival: Arrival, since: Int)] = [:]
  var serial = 0
  var nextClaim = 0
  /// Milliseconds.
  var nextDue: Int?
  var busy = 0
  var isPassing = false
  var mustPassAgain = false
  var fetches: [RoomsModel.Claim] = []
  var isFetching = false
  var parkings: [Parking] = []
  var isParking = false
  var held: [RoomsModel.LeaseID: Held] = [:]
  var leaseOfJob: [Int: RoomsModel.LeaseID] = [:]
  /// Bays it has declared, with their generation.
  var openBays: [Int: Int] = [:]
  var turns = TurnAudit()

  init(id: Int, place: Int, slots: Int, connection: Int) {
    self.id = id
    self.place = place
    self.slots = slots
    self.connection = connection
  }

  func arrival(of delivery: BrokerModel.Delivery, at now: Int, claim: RoomsModel.Claim? = nil) -> Arrival {
    serial += 1
    let lease = RoomsModel.LeaseID(worker: id, number: serial, bay: delivery.source.bay)
    return Arrival(delivery: delivery, lease: lease, since: now, claim: claim)
  }

  func isCurrent(_ delivery: BrokerModel.Delivery) -> Bool { delivery.connection == connection }

  /// Whether the job runs here under a delivery that was lost: then this one takes its place.
  func adopt(_ arrival: Arrival) -> Bool {
    guard let lease = leaseOfJob[arrival.job], let run = held[lease], run.isExecuting,
      !isCurrent(run.delivery)
    else { return false }
    held[lease]?.delivery = arrival.delivery
    return true
  }

  func release(_ lease: RoomsModel.LeaseID) {
    guard let run = held.removeValue(forKey: lease) else { return }
    if leaseOfJob[run.job] == lease { leaseOfJob[run.job] = nil }
  }

  /// Deliveries of a connection that is gone are not ours any more.
  func dropLost() {
    for lane in Lane.allCases { lines[lane]?.removeAll { !isCurrent($0.delivery) } }
    postponed.removeAll { !isCurrent($0.delivery) }
    let kept = heads.filter { isCurrent($0.delivery) }
    busy -= heads.count - kept.count
    heads = kept
    deck = deck.filter { isCurrent($0.value.arrival.delivery) }
  }
}

/// Counts the turns of a worker: how many went to a lower lane although it knew of work in a higher one.
struct TurnAudit {
  private(set) var turns = 0
  private var passedOver: [Lane: Int] = [:]
  private var givenBack: [Lane: Int] = [:]
  /// What the slot desk was told of the rooms.
  var due: [Lane: Int] = [:]

  /// False when the lane got more than its share.
  mutating func granted(_ source: SlotDesk.Source, lines: inout [Lane: Int], shares: [Lane: Int]) -> Bool {
    let lane: Lane
    switch source {
    case .line(let given):
      lane = given
      lines[lane, default: 0] -= 1
    case .room(let given):
      lane = given
      due[lane, default: 0] -= 1
    }
    guard lines[lane] ?? 0 >= 0, due[lane] ?? 0 >= 0 else { return false }
    turns += 1
    guard Lane.allCases.contains(where: { $0 > lane && (lines[$0] ?? 0) + (due[$0] ?? 0) > 0 }) else { return true }
    passedOver[lane, default: 0] += 1
    return passedOver[lane, default: 0] <= (shares[lane] ?? 0) * (turns / 20 + 1) + (givenBack[lane] ?? 0)
  }

  mutating func gaveBack(_ lane: Lane) { givenBack[lane, default: 0] += 1 }
}
