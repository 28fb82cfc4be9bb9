<?php

declare(strict_types=1);

namespace Upline\Commission\Cron;

use Upline\Commission\Model\Connection;
use Upline\Commission\Model\Heartbeat;

/**
 * Every five minutes: tells each server that the shop is here.
 */
class Beat
{
    /**
     * @param Connection $connection
     * @param Heartbeat $heartbeat
     */
    public function __construct(private readonly Connection $connection, private readonly Heartbeat $heartbeat)
    {
    }

    /**
     * Runs.
     *
     * @return void
     */
    public function execute(): void
    {
        foreach ($this->connection->all() as $connection) {
            if ($connection->isConnected() && !$connection->isElsewhere()) {
                $this->heartbeat->send($connection);
            }
        }
    }
}
