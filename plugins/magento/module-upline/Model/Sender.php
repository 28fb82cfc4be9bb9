<?php

declare(strict_types=1);

namespace Upline\Commission\Model;

use Psr\Log\LoggerInterface;
use Upline\Commission\Domain\Answer;
use Upline\Commission\Domain\Delay;
use Upline\Commission\Domain\OrderReaderInterface;
use Upline\Commission\Domain\Snapshot;

/**
 * Sends what is in the outbox: claims rows, reads their orders anew, sends the snapshots and does what the answers ask
 * for.
 */
class Sender
{
    /** Orders claimed and read at once. */
    private const BATCH = 48;

    /** Requests on the way at once. */
    private const WIDTH = 8;

    /** Seconds for one order by cron, and for the connection. */
    private const TOTAL = 10.0;
    private const CONNECT = 2.0;

    /** The same after a response, where a worker of the web server is held. */
    private const SHORT_TOTAL = 2.0;
    private const SHORT_CONNECT = 0.5;

    private const ORPHAN = 'the website of this order was deleted, and its own connection had told it: another store has it';

    /**
     * @param Outbox $outbox
     * @param OrderReaderInterface $orders
     * @param Told $told
     * @param Sequence $sequence
     * @param Connection $connection
     * @param Websites $websites
     * @param Server $server
     * @param State $state
     * @param Versions $versions
     * @param Clock $clock
     * @param LoggerInterface $logger
     */
    public function __construct(
        private readonly Outbox $outbox,
        private readonly OrderReaderInterface $orders,
        private readonly Told $told,
        private readonly Sequence $sequence,
        private readonly Connection $connection,
        private readonly Websites $websites,
        private readonly Server $server,
        private readonly State $state,
        private readonly Versions $versions,
        private readonly Clock $clock,
        private readonly LoggerInterface $logger
    ) {
    }

    /**
     * Sends what is due over every connection until nothing is, or time is up.
     *
     * @param float $seconds for all of it
     * @param callable|null $told is given how many orders were delivered so far
     * @return int orders delivered
     */
    public function drain(float $seconds, ?callable $told = null): int
    {
        $until = $this->clock->seconds() + $seconds;
        $delivered = 0;
        foreach ($this->connection->all() as $connection) {
            while ($this->clock->seconds() < $until) {
                $this->state->refresh(); // Another process may have paused it.
                if ($connection->hindrance() !== '') {
                    break;
                }
                $claimed = 0;
                $delivered += $this->batch($connection, self::TOTAL, self::CONNECT, [], $claimed);
                if ($claimed === 0) {
                    break;
                }
                if ($told !== null) {
                    $told($delivered);
                }
            }
        }
        return $delivered;
    }

    /**
     * Sends some orders right after the response; whatever goes wrong is left to cron. So is everything where the
     * request ended in the middle of a transaction: what is read within it may never have happened.
     *
     * @param int[] $orderIds
     * @return int orders delivered
     */
    public function flush(array $orderIds): int
    {
        if ($this->outbox->isInTransaction()) {
            return 0;
        }
        $delivered = 0;
        foreach ($this->connection->all() as $connection) {
            if ($connection->hindrance() === '' && !$connection->circuit()->isOpen()) {
                $delivered += $this->batch($connection, self::SHORT_TOTAL, self::SHORT_CONNECT, $orderIds);
            }
        }
        return $delivered;
    }

    /**
     * The message about an order as it is now, under a sequence of its own where it differs from what was told last.
     *
     * @param int $orderId
     * @param int[] $websiteIds whose orders count
     * @return array<string, mixed>|null null where these websites know no such order
     */
    public function current(int $orderId, array $websiteIds): ?array
    {
        $record = $this->orders->read([$orderId])[$orderId] ?? null;
        $websiteId = (int) ($record['order']['website_id'] ?? 0);
        $connection = $this->connection->at($websiteId);
        if ($record === null || !in_array($websiteId, $websiteIds, true)) {
            return null;
        }
        if ($this->orphans([$orderId => $record], $connection)) {
            return null;
        }
        $order = Snapshot::order($record);
        $hash = Snapshot::hash($order);
        $told = $this->told->rows([$orderId])[$orderId] ?? null;
        $shop = $this->shop($connection);
        if ($told !== null && $told['hash'] === $hash && $told['event_id'] !== '') {
            return Snapshot::event(
                $order,
                $shop,
                (string) $told['event_id'],
                (int) $told['sequence'],
                Outbox::RESENT,
                (int) $told['told_at']
            );
        }
        // A row first, and then the order again: whoever has the highest sequence has read the order last.
        $row = $this->outbox->note($orderId, $websiteId, Outbox::RESENT);
        $record = $this->orders->read([$orderId])[$orderId] ?? $record;
        $order = Snapshot::order($record);
        $now = $this->clock->now();
        $sequence = $this->sequence->of((int) $row['id']);
        $this->told->remember([$orderId => $this->tellings($record, $order, $row, $sequence, $connection)]);
        return Snapshot::event($order, $shop, (string) $row['event_id'], $sequence, Outbox::RESENT, $now);
    }

    /**
     * One round: claim, read, send, settle.
     *
     * @param Connection $connection
     * @param float $total seconds for one order
     * @param float $connect seconds for its connection
     * @param int[] $orderIds these alone; empty for all
     * @param int $claimed set to how many orders were claimed
     * @return int orders delivered
     */
    private function batch(
        Connection $connection,
        float $total,
        float $connect,
        array $orderIds,
        int &$claimed = 0
    ): int {
        $claim = bin2hex(random_bytes(8));
        $limit = $connection->circuit()->width(self::BATCH);
        $rows = $this->outbox->claim($claim, $this->websites->toldBy($connection), $limit, $orderIds);
        $claimed = count($rows);
        $delivered = 0;
        try {
            $prepared = $this->prepare($claim, $rows, $connection);
            foreach (array_chunk($prepared, self::WIDTH, true) as $some) {
                if ($connection->hindrance() !== '') {
                    break; // What was claimed and not sent is released below.
                }
                $delivered += $this->send($claim, $some, $connection, $total, $connect);
            }
        } catch (\Throwable $fault) {
            $this->logger->error('Upline: orders could not be sent', ['exception' => $fault]);
            $connection->remember(['last_error' => Answer::cut($fault->getMessage(), 240)]);
            foreach (array_keys($rows) as $orderId) {
                $this->outbox->putBack($claim, $orderId, Outbox::PENDING, Delay::STEPS[1], 0, $fault->getMessage());
            }
        }
        if ($rows) {
            $this->outbox->release($claim);
        }
        return $delivered;
    }

    /**
     * The messages of claimed orders. An order that cannot be read is parked, and the others go on.
     *
     * @param string $claim
     * @param array<int, array<int, array<string, mixed>>> $rows by order id
     * @param Connection $connection
     * @return array<int, array{row: array<string, mixed>, attempts: int, body: string, telling: array<string, mixed>}>
     */
    private function prepare(string $claim, array $rows, Connection $connection): array
    {
        $records = $this->orders->read(array_keys($rows));
        $shop = $this->shop($connection);
        $orphans = $this->orphans($records, $connection);
        $prepared = $hashes = [];
        foreach ($rows as $orderId => $some) {
            $row = end($some);
            if (in_array($orderId, $orphans, true)) {
                $this->outbox->putBack($claim, $orderId, Outbox::PARKED, 0, 0, self::ORPHAN);
                continue;
            }
            try {
                $record = $records[$orderId] ?? null;
                $order = $record === null ? Snapshot::tombstone($orderId) : Snapshot::order($record);
            } catch (\InvalidArgumentException $fault) {
                $sentence = 'the order cannot be told: ' . $fault->getMessage();
                $this->outbox->putBack($claim, $orderId, Outbox::PARKED, 0, 0, $sentence);
                continue;
            }
            $hash = Snapshot::hash($order);
            if ($row['hash'] !== '' && $row['hash'] !== $hash) {
                $row = $this->outbox->replace($row);
            }
            $hashes[(int) $row['id']] = $hash;
            $sequence = $this->sequence->of((int) $row['id']);
            $at = (int) strtotime($row['created_at'] . ' UTC');
            $event = Snapshot::event($order, $shop, (string) $row['event_id'], $sequence, (string) $row['reason'], $at);
            $prepared[$orderId] = [
                'row' => $row,
                'attempts' => max(array_map('intval', array_column($some, 'attempts'))),
                'body' => Server::json($event),
                'telling' => $this->tellings($record, $order, $row, $sequence, $connection),
            ];
        }
        $this->outbox->remember($hashes);
        return $prepared;
    }

    /**
     * Sends some prepared orders at once.
     *
     * @param string $claim
     * @param array<int, array<string, mixed>> $prepared by order id
     * @param Connection $connection
     * @param float $total
     * @param float $connect
     * @return int orders delivered
     */
    private function send(string $claim, array $prepared, Connection $connection, float $total, float $connect): int
    {
        $messages = [];
        foreach ($prepared as $orderId => $one) {
            $messages[$orderId] = [
                'url' => $connection->get('webhook_url'),
                'body' => $one['body'],
                'id' => (string) $one['row']['event_id'],
            ];
        }
        $newest = $tellings = [];
        foreach ($this->server->post($messages, $total, $connection, $connect) as $orderId => $response) {
            $decision = Answer::decide($response->status, $response->field);
            if ($decision === Answer::SENT) {
                $newest[$orderId] = (int) $prepared[$orderId]['row']['id'];
                $tellings[$orderId] = $prepared[$orderId]['telling'];
                continue;
            }
            $this->failed($claim, $orderId, (int) $prepared[$orderId]['attempts'], $response, $decision, $connection);
        }
        $this->outbox->delivered($claim, $newest);
        $this->told->remember($tellings);
        if ($newest) {
            $this->succeeded($connection);
        }
        return count($newest);
    }

    /**
     * Does what a failed answer asks for.
     *
     * @param string $claim
     * @param int $orderId
     * @param int $attempts
     * @param Response $response
     * @param string $decision
     * @param Connection $connection
     * @return void
     */
    private function failed(
        string $claim,
        int $orderId,
        int $attempts,
        Response $response,
        string $decision,
        Connection $connection
    ): void {
        $now = $this->clock->now();
        $sentence = Answer::sentence($response->status, $response->detail);
        $wait = Delay::asked($response->retryAfter, Delay::after($attempts, random_int(0, 999)));
        $state = ['last_failed' => $now, 'last_error' => $sentence];
        $status = Outbox::PENDING;
        if ($decision === Answer::REFUSED) {
            $status = Outbox::PARKED;
        } elseif (in_array($decision, [Answer::UNKNOWN, Answer::ANOTHER_SITE, Answer::CLOCK], true)) {
            $state += ['paused_until' => $now + Delay::PAUSE, 'pause_reason' => $decision];
            $wait = Delay::STEPS[1];
        } elseif ($response->retryAfter !== '' && $response->status >= 400) {
            $state += ['paused_until' => $now + Delay::asked($response->retryAfter, 1), 'pause_reason' => $decision];
        } else {
            $circuit = $connection->circuit()->failed($now);
            $state += ['failures' => $circuit->failures, 'probe_at' => $circuit->probeAt];
        }
        $connection->remember($state);
        $this->outbox->putBack($claim, $orderId, $status, $wait, $response->status, $sentence);
    }

    /**
     * The server is there and knows us.
     *
     * @param Connection $connection
     * @return void
     */
    private function succeeded(Connection $connection): void
    {
        $now = $this->clock->now();
        $state = array_fill_keys(['failures', 'probe_at', 'paused_until', 'pause_reason'], null);
        if ((int) $connection->state('last_sent') < $now - 15) {
            $state['last_sent'] = $now;
        }
        $connection->remember($state);
    }

    /**
     * What is remembered of a telling.
     *
     * @param array<string, mixed>|null $record null for an order that is gone
     * @param array<string, mixed> $order as it is told
     * @param array<string, mixed> $row of the outbox
     * @param int $sequence
     * @param Connection $connection
     * @return array<string, mixed>
     */
    private function tellings(?array $record, array $order, array $row, int $sequence, Connection $connection): array
    {
        $known = [];
        foreach ($record['items'] ?? [] as $item) {
            if (($item['own_sku'] ?? '') !== '') {
                $known[(int) $item['item_id']] = (string) $item['own_sku'];
            }
        }
        return [
            'sequence' => $sequence,
            'event_id' => (string) $row['event_id'],
            'hash' => Snapshot::hash($order),
            'told_at' => $this->clock->now(),
            'gone' => $record === null ? 1 : 0,
            'known' => $known ? Server::json($known) : null,
            'website_id' => $connection->websiteId(),
        ];
    }

    /**
     * Orders whose website was deleted after its own connection had told them. Told over another one they would be orders of
     * two stores at Upline, and both would pay.
     *
     * @param array<int, array<string, mixed>> $records
     * @param Connection $connection
     * @return int[]
     */
    private function orphans(array $records, Connection $connection): array
    {
        $ids = array_keys(array_filter($records, static fn (array $r): bool => (int) $r['order']['website_id'] === 0));
        return $ids ? $this->told->byOthers($ids, $connection->websiteId()) : [];
    }

    /**
     * What every message says of the shop.
     *
     * @param Connection $connection
     * @return array<string, mixed>
     */
    private function shop(Connection $connection): array
    {
        return [
            'site' => $connection->get('site'),
            'install_id' => $connection->installId(),
            'versions' => $this->versions->told(),
        ];
    }
}
