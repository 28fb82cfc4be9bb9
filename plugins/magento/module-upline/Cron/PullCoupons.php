<?php

declare(strict_types=1);

namespace Upline\Commission\Cron;

use Upline\Commission\Model\Config;
use Upline\Commission\Model\Connection;
use Upline\Commission\Model\Coupons;

/**
 * Hourly, where the shop wants it: makes coupons of the codes of distributors.
 */
class PullCoupons
{
    /**
     * @param Coupons $coupons
     * @param Connection $connection
     * @param Config $config
     */
    public function __construct(
        private readonly Coupons $coupons,
        private readonly Connection $connection,
        private readonly Config $config
    ) {
    }

    /**
     * Runs.
     *
     * @return void
     */
    public function execute(): void
    {
        if (!$this->config->areCouponsEnabled()) {
            return;
        }
        foreach ($this->connection->all() as $connection) {
            if ($connection->hindrance() === '') {
                $this->coupons->pull($connection);
            }
        }
    }
}
