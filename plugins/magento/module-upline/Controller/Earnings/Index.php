<?php

declare(strict_types=1);

namespace Upline\Commission\Controller\Earnings;

use Magento\Customer\Controller\AccountInterface;
use Magento\Framework\App\Action\HttpGetActionInterface;
use Magento\Framework\Controller\ResultFactory;
use Magento\Framework\Controller\ResultInterface;
use Magento\Framework\Exception\NotFoundException;
use Magento\Store\Model\StoreManagerInterface;
use Upline\Commission\Model\Config;

/**
 * Earnings of a distributor in the customer account. Magento asks strangers to sign in first.
 */
class Index implements AccountInterface, HttpGetActionInterface
{
    /**
     * @param ResultFactory $results
     * @param Config $config
     * @param StoreManagerInterface $stores
     */
    public function __construct(
        private readonly ResultFactory $results,
        private readonly Config $config,
        private readonly StoreManagerInterface $stores
    ) {
    }

    /**
     * The page. No type is declared, as Magento's own plugin answers strangers with null and a redirect.
     *
     * @return ResultInterface
     * @throws NotFoundException where the page is switched off
     */
    public function execute()
    {
        if (!$this->config->isAccountPageEnabled((int) $this->stores->getWebsite()->getId())) {
            throw new NotFoundException(__('There is no such page.'));
        }
        $page = $this->results->create(ResultFactory::TYPE_PAGE);
        $page->getConfig()->getTitle()->set((string) __('My earnings'));
        return $page;
    }
}
