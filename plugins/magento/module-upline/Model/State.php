<?php

declare(strict_types=1);

namespace Upline\Commission\Model;

use Magento\Framework\App\ResourceConnection;

/**
 * Small things remembered between requests, by website: name and value. They are no configuration, as that is cached,
 * and every change of it would throw a cache away.
 */
class State
{
    public const TABLE = 'upline_state';

    /**
     * Seconds after which values are read anew: consumers of queues place orders for hours in one process, and have to
     * learn that the shop was connected meanwhile.
     */
    private const FRESH = 15.0;

    /**
     * @var array<int, array<string, string>>|null
     */
    private ?array $values = null;

    /**
     * @var float seconds of the clock at which they were read
     */
    private float $readAt = 0.0;

    /**
     * @param ResourceConnection $resource
     * @param Clock $clock
     */
    public function __construct(private readonly ResourceConnection $resource, private readonly Clock $clock)
    {
    }

    /**
     * A value; null where none is remembered.
     *
     * @param int $websiteId
     * @param string $name
     * @return string|null
     */
    public function get(int $websiteId, string $name): ?string
    {
        return $this->all()[$websiteId][$name] ?? null;
    }

    /**
     * Remembers; null forgets. Nothing is written that is so already.
     *
     * @param int $websiteId
     * @param array<string, string|int|null> $members
     * @return void
     */
    public function set(int $websiteId, array $members): void
    {
        $known = $this->all()[$websiteId] ?? [];
        $changed = $gone = [];
        foreach ($members as $name => $value) {
            if ($value === null && isset($known[$name])) {
                $gone[] = $name;
            } elseif ($value !== null && ($known[$name] ?? null) !== (string) $value) {
                $changed[] = ['website_id' => $websiteId, 'name' => $name, 'value' => (string) $value];
            }
        }
        $connection = $this->resource->getConnection();
        $table = $this->resource->getTableName(self::TABLE);
        if ($changed) {
            $connection->insertOnDuplicate($table, $changed, ['value']);
        }
        if ($gone) {
            $connection->delete($table, ['website_id = ?' => $websiteId, 'name IN (?)' => $gone]);
        }
        foreach ($changed as $row) {
            $this->values[$websiteId][$row['name']] = $row['value'];
        }
        foreach ($gone as $name) {
            unset($this->values[$websiteId][$name]);
        }
    }

    /**
     * The websites of which something is remembered under a name.
     *
     * @param string $name
     * @return int[]
     */
    public function websitesWith(string $name): array
    {
        return array_keys(array_filter($this->all(), static fn (array $values): bool => isset($values[$name])));
    }

    /**
     * Reads anew at the next use: a process that runs for long has to see what others remembered.
     *
     * @return void
     */
    public function refresh(): void
    {
        $this->values = null;
    }

    /**
     * All there is, by website and name.
     *
     * @return array<int, array<string, string>>
     */
    private function all(): array
    {
        if ($this->values === null || $this->clock->seconds() - $this->readAt > self::FRESH) {
            $this->readAt = $this->clock->seconds();
            $connection = $this->resource->getConnection();
            $select = $connection->select()->from($this->resource->getTableName(self::TABLE));
            $this->values = [];
            foreach ($connection->fetchAll($select) as $row) {
                $this->values[(int) $row['website_id']][(string) $row['name']] = (string) $row['value'];
            }
        }
        return $this->values;
    }
}
