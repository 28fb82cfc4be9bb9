<?php

declare(strict_types=1);

namespace Upline\Commission\Model\Notice;

use Magento\Framework\AuthorizationInterface;
use Magento\Framework\Escaper;
use Magento\Framework\Phrase;
use Magento\Framework\UrlInterface;
use Upline\Commission\Model\Connection;
use Upline\Commission\Model\Status;

/**
 * Our cron group does not run.
 */
class CronSilent extends Notice
{
    /**
     * @param Connection $connection
     * @param AuthorizationInterface $authorization
     * @param UrlInterface $url
     * @param Escaper $escaper
     * @param Status $status
     */
    public function __construct(
        Connection $connection,
        AuthorizationInterface $authorization,
        UrlInterface $url,
        Escaper $escaper,
        private readonly Status $status
    ) {
        parent::__construct($connection, $authorization, $url, $escaper);
    }

    /**
     * @inheritDoc
     */
    protected function holds(array $connections): bool
    {
        return $this->status->isCronSilent();
    }

    /**
     * @inheritDoc
     */
    protected function sentence(): Phrase
    {
        return __(
            'cron has not run for a quarter of an hour, so that orders are told late. Run bin/magento cron:install.'
        );
    }
}
