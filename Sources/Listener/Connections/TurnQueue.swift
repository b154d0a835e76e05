import HTTP

/// The connections that wait for their turn. Those of one project or token come in order of
/// arrival, and the projects and tokens take turns, so that one with thousands of connections costs
/// another one turn, not thousands.
struct TurnQueue {
  /// The connections of one group, of which the first ones have had their turn.
  private struct Lane {
    var connections: [Connection] = []
    var start = 0
  }

  /// A project or token, or all who have neither, or one of them; and all connections that linger.
  private enum Group: Hashable {
    case tenant(Int64)
    case stranger(PeerAddress?)
    case lingering
  }

  private var lanes: [Group: Lane] = [:]
  /// The groups that have connections, in the order of their turns.
  private var order: [Group] = []
  private var orderStart = 0
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }

  /// - Parameter client: the address of the client, where addresses tell clients apart.
  mutating func append(_ connection: Connection, of client: PeerAddress?) {
    let group: Group =
      connection.isLingering
      ? .lingering : connection.tenant.map { .tenant($0.group) } ?? .stranger(client)
    if lanes[group]?.connections.append(connection) == nil {
      lanes[group] = Lane(connections: [connection])
      order.append(group)
    }
    count += 1
  }

  /// Removes the first connection of the group whose turn it is.
  mutating func next() -> Connection? {
    guard orderStart < order.count else { return nil }
    let group = order[orderStart]
    orderStart += 1
    count -= 1
    // Moved out while it changes, so that its array is not copied.
    guard var lane = lanes.removeValue(forKey: group) else { return nil }
    let connection = lane.connections[lane.start]
    lane.start += 1
    if lane.start < lane.connections.count {
      if lane.start >= 64, lane.start * 2 >= lane.connections.count {
        lane.connections.removeFirst(lane.start)
        lane.start = 0
      }
      lanes[group] = lane
      order.append(group)
    }
    if orderStart >= 64, orderStart * 2 >= order.count {
      order.removeFirst(orderStart)
      orderStart = 0
    }
    return connection
  }
}
