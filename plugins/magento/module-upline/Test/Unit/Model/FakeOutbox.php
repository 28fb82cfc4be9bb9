<?php

declare(strict_types=1);

namespace Upline\Commission\Test\Unit\Model;

use Upline\Commission\Model\Outbox;

/**
 * The table in memory, by the same rules.
 */
class FakeOutbox extends Outbox
{
    public function __construct(private Shop $shop)
    {
    }

    public function add(int $orderId, int $websiteId, string $reason): int
    {
        return $this->insert($orderId, $websiteId, $reason, self::PENDING)['id'];
    }

    public function note(int $orderId, int $websiteId, string $reason): array
    {
        return $this->insert($orderId, $websiteId, $reason, self::DELIVERED);
    }

    public function replace(array $row): array
    {
        $new = $this->insert((int) $row['entity_id'], (int) $row['website_id'], $row['reason'], self::SENDING);
        $this->shop->rows[$new['id']]['claim'] = $row['claim'];
        $this->shop->rows[$new['id']]['attempts'] = $row['attempts'];
        return $this->shop->rows[$new['id']];
    }

    public function claim(string $claim, array $websiteIds, int $limit, array $orderIds = []): array
    {
        $orders = [];
        foreach ($this->shop->rows as $row) {
            $due = $row['status'] === self::PENDING && $row['next_attempt_at'] <= $this->shop->now
                && in_array($row['website_id'], $websiteIds, true);
            if ($due && count($orders) < $limit && (!$orderIds || in_array($row['entity_id'], $orderIds, true))) {
                $orders[$row['entity_id']] = [];
            }
        }
        foreach ($this->shop->rows as $id => $row) {
            if (isset($orders[$row['entity_id']]) && $row['status'] === self::PENDING) {
                $this->shop->rows[$id] = ['status' => self::SENDING, 'claim' => $claim, 'attempts' => $row['attempts'] + 1] + $row;
                $orders[$row['entity_id']][] = $this->shop->rows[$id];
            }
        }
        return $orders;
    }

    public function remember(array $hashes): void
    {
        foreach ($hashes as $id => $hash) {
            $this->shop->rows[$id]['hash'] = $hash;
        }
    }

    public function delivered(string $claim, array $newest, int $status = 200): void
    {
        foreach ($this->shop->rows as $id => $row) {
            $ours = $row['claim'] === $claim && $row['status'] === self::SENDING;
            if (isset($newest[$row['entity_id']]) && ($ours || $row['status'] === self::PARKED)) {
                $this->shop->rows[$id]['status'] = self::DELIVERED;
            }
        }
    }

    public function putBack(
        string $claim,
        int $orderId,
        string $status,
        int $wait,
        int $httpStatus,
        string $error
    ): void {
        foreach ($this->shop->rows as $id => $row) {
            if ($row['claim'] === $claim && $row['entity_id'] === $orderId && $row['status'] === self::SENDING) {
                $this->shop->rows[$id] = [
                    'status' => $status, 'claim' => '', 'next_attempt_at' => $this->shop->now + $wait,
                    'http_status' => $httpStatus, 'error' => $error,
                ] + $row;
            }
        }
    }

    public function release(string $claim): void
    {
        foreach ($this->shop->rows as $id => $row) {
            if ($row['claim'] === $claim && $row['status'] === self::SENDING) {
                $this->shop->rows[$id] = ['status' => self::PENDING, 'claim' => '', 'attempts' => $row['attempts'] - 1] + $row;
            }
        }
    }

    public function isInTransaction(): bool
    {
        return $this->shop->inTransaction;
    }

    public function highest(): int
    {
        return (int) max(array_merge([0], array_keys($this->shop->rows)));
    }

    public function depth(): array
    {
        $waiting = array_filter($this->shop->rows, static fn (array $row): bool => $row['status'] === self::PENDING);
        return ['depth' => count($waiting), 'oldest' => null, 'parked' => 0];
    }

    /**
     * @return array<string, mixed>
     */
    private function insert(int $orderId, int $websiteId, string $reason, string $status): array
    {
        $id = $this->highest() + 1;
        return $this->shop->rows[$id] = [
            'id' => $id, 'event_id' => 'evt_' . $id, 'entity_id' => $orderId, 'website_id' => $websiteId,
            'reason' => $reason, 'status' => $status, 'attempts' => 0, 'next_attempt_at' => $this->shop->now,
            'claim' => '', 'claimed_until' => 0, 'hash' => '', 'http_status' => 0, 'error' => '',
            'created_at' => gmdate('Y-m-d H:i:s', $this->shop->now),
        ];
    }
}
